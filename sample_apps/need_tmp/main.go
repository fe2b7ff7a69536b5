package main

import (
	"fmt"
	"os"
)

func main() {
	if _, err := os.CreateTemp("", "file"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("written")
}
