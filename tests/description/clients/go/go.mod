module clients

go 1.23
