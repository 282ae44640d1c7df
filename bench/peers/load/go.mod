module causebook.example/bench/load

go 1.25.0
