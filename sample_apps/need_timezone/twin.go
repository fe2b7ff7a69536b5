package main

import (
	"fmt"
	"time"
	_ "time/tzdata" // the zones are in the program
)

func main() {
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(time.Unix(0, 0).In(zone).Format("15:04 MST"))
}
