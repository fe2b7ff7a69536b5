module example.com/go_cgo_app

go 1.21
