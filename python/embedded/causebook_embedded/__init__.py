"""A ledger in the process for the package `causebook`, which finds it by itself: `causebook.connect("./folder")`."""
