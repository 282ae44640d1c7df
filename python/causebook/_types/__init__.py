"""The types of values of programs, a module for each origin. `causebook._values` chooses among them."""
