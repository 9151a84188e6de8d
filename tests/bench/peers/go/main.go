// The benchmark's scenes in Go: what tests/bench/*.c do with threads, done with goroutines, sync and net.
//
// peers SCENE [ARGUMENT...]: the same arguments, checks and lines of output as the C program of that name. Only the standard library.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

func die(what string, reason any) {
	fmt.Fprintf(os.Stderr, "go: %s: %v\n", what, reason)
	os.Exit(1)
}

func check(what string, err error) {
	if err != nil {
		die(what, err)
	}
}

func argument(i int, otherwise float64) float64 {
	if len(os.Args) <= i+2 {
		return otherwise
	}
	value, err := strconv.ParseFloat(os.Args[i+2], 64)
	check("argument", err)
	return value
}

func count(i int, otherwise int) int { return int(argument(i, float64(otherwise))) }

// Doubles the count until one run lasts long enough, as nanoseconds_each of bench.h.
func nanosecondsEach(run func(uint64) time.Duration, first uint64) float64 {
	seconds := argument(0, 1)
	for n := first; ; n *= 2 {
		if elapsed := run(n); elapsed.Seconds() >= seconds {
			return float64(elapsed.Nanoseconds()) / float64(n)
		}
	}
}

func scramble(word uint64) uint64 { return word*6364136223846793005 + 1442695040888963407 }

func echo() {
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", count(0, 0)))
	check("listen", err)
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		check("accept", err)
		go serve(connection)
	}
}

func serve(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, 1024)
	for {
		got, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err := connection.Write(buffer[:got]); err != nil {
			return
		}
	}
}

func sayAndWait(word string, input *bufio.Reader) {
	fmt.Println(word)
	if _, err := input.ReadString('\n'); err != nil {
		os.Exit(1) // the driver has gone
	}
}

func lookups() {
	threads, each := count(0, 1000), count(1, 1)
	start := time.Now()
	all(threads, func(thread int) {
		for i := 0; i < each; i++ {
			index := thread*each + i
			name := fmt.Sprintf("h%d.bench.test", index)
			found, err := net.DefaultResolver.LookupIP(background, "ip4", name)
			check(name, err)
			expected := net.IPv4(127, byte(index>>16), byte(index>>8), byte(index))
			if len(found) != 1 || !found[0].Equal(expected) {
				die(name, found)
			}
		}
	})
	elapsed := time.Since(start)
	total := float64(threads * each)
	fmt.Printf("us_per_lookup %.2f\nlookups_per_second %.0f\ncpu_us_per_lookup %.2f\n",
		float64(elapsed.Microseconds())/total, total/elapsed.Seconds(), cpuMicroseconds()/total)
}

var scenes = map[string]func(){
	"echo_threads": echo, "pingpong": pingpong, "pool": pool, "mutex": mutex, "create_join": createJoin, "fresh": fresh,
	"timers": timers, "ring": ring, "parked": parked, "lookups": lookups,
}

func main() {
	if len(os.Args) < 2 || scenes[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: peers SCENE [ARGUMENT...]")
		os.Exit(2)
	}
	scenes[os.Args[1]]()
}
