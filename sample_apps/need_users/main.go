package main

import (
	"fmt"
	"os/user"
)

func main() {
	found, err := user.LookupId("65532")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found.Username)
}
