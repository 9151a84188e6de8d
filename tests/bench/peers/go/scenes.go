// Goroutines among themselves: hand-over, pool, contention, creation, sleep, pipes, memory.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sort"
	"sync"
	"syscall"
	"time"
)

var background = context.Background()

// Runs body in n goroutines and waits for all.
func all(n int, body func(int)) {
	var done sync.WaitGroup
	done.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) { body(i); done.Done() }(i)
	}
	done.Wait()
}

func cpuMicroseconds() float64 {
	var usage syscall.Rusage
	check("getrusage", syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e3
}

// gate.h
type gate struct {
	lock            sync.Mutex
	arrived, opened *sync.Cond
	here, expected  int
	open            bool
}

func newGate(expected int) *gate {
	g := &gate{expected: expected}
	g.arrived, g.opened = sync.NewCond(&g.lock), sync.NewCond(&g.lock)
	return g
}

func (g *gate) arrive() {
	g.lock.Lock()
	if g.here++; g.here == g.expected {
		g.arrived.Signal()
	}
	for !g.open {
		g.opened.Wait()
	}
	g.lock.Unlock()
}

func (g *gate) await() {
	g.lock.Lock()
	for g.here < g.expected {
		g.arrived.Wait()
	}
	g.lock.Unlock()
}

func (g *gate) unlatch() {
	g.lock.Lock()
	g.open = true
	g.opened.Broadcast()
	g.lock.Unlock()
}

func pingpong() {
	fmt.Printf("ns_per_handover %.1f\n", nanosecondsEach(func(turns uint64) time.Duration {
		var lock sync.Mutex
		changed, turn := sync.NewCond(&lock), 0
		start := time.Now()
		all(2, func(me int) {
			lock.Lock()
			for turns > 0 {
				if turn != me {
					changed.Wait()
					continue
				}
				turns--
				turn = 1 - me
				changed.Signal()
			}
			changed.Signal()
			lock.Unlock()
		})
		return time.Since(start)
	}, 2000))
}

type request struct {
	next             *request
	question, answer uint64
	answered         bool
	done             *sync.Cond
}

type queue struct {
	lock       sync.Mutex
	notEmpty   *sync.Cond
	head, tail *request
	closed     bool
}

func (q *queue) work() {
	q.lock.Lock()
	defer q.lock.Unlock()
	for {
		for q.head == nil && !q.closed {
			q.notEmpty.Wait()
		}
		request := q.head
		if request == nil {
			return
		}
		q.head = request.next
		q.lock.Unlock()
		answer := scramble(request.question)
		q.lock.Lock()
		request.answer, request.answered = answer, true
		request.done.Signal()
	}
}

func (q *queue) ask(r *request, question uint64) {
	r.question, r.answered, r.next = question, false, nil
	q.lock.Lock()
	if q.head == nil {
		q.head = r
	} else {
		q.tail.next = r
	}
	q.tail = r
	q.notEmpty.Signal()
	for !r.answered {
		r.done.Wait()
	}
	q.lock.Unlock()
	if r.answer != scramble(question) {
		die("pool", "the answer to another question")
	}
}

func poolRun(total uint64, clients, workers int) time.Duration {
	q, g := &queue{}, newGate(clients)
	q.notEmpty = sync.NewCond(&q.lock)
	share := total/uint64(clients) + 1
	var working, asking sync.WaitGroup
	working.Add(workers)
	for i := 0; i < workers; i++ {
		go func() { q.work(); working.Done() }()
	}
	asking.Add(clients)
	for i := 0; i < clients; i++ {
		go func(first uint64) {
			r := &request{done: sync.NewCond(&q.lock)}
			g.arrive()
			for i := uint64(0); i < share; i++ {
				q.ask(r, first<<40+i)
			}
			asking.Done()
		}(uint64(i))
	}
	g.await()
	start := time.Now()
	g.unlatch()
	asking.Wait()
	elapsed := time.Since(start)
	q.lock.Lock()
	q.closed = true
	q.notEmpty.Broadcast()
	q.lock.Unlock()
	working.Wait()
	return elapsed * time.Duration(total) / time.Duration(share*uint64(clients))
}

func pool() {
	clients, workers := count(1, 100), count(2, 16)
	each := nanosecondsEach(func(n uint64) time.Duration { return poolRun(n, clients, workers) }, 10*uint64(clients))
	fmt.Printf("ns_per_request %.1f\nrequests_per_second %.0f\n", each, 1e9/each)
}

func work(word uint64) uint64 {
	for i := 0; i < 20; i++ {
		word = scramble(word)
	}
	return word
}

func mutexRun(total uint64, threads int, held bool) time.Duration {
	var lock sync.Mutex
	var sections, inside uint64
	share, g := total/uint64(threads)+1, newGate(threads)
	var done sync.WaitGroup
	done.Add(threads)
	for i := 0; i < threads; i++ {
		go func() {
			outside := uint64(1)
			g.arrive()
			for i := uint64(0); i < share; i++ {
				lock.Lock()
				inside = work(inside)
				sections++
				if held {
					runtime.Gosched()
				}
				lock.Unlock()
				outside = work(outside)
			}
			if outside == 0 { // the work outside must have a use
				die("mutex", "zero")
			}
			done.Done()
		}()
	}
	g.await()
	start := time.Now()
	g.unlatch()
	done.Wait()
	elapsed := time.Since(start)
	if sections != share*uint64(threads) {
		die("mutex", "sections were lost")
	}
	return elapsed * time.Duration(total) / time.Duration(sections)
}

func mutex() {
	threads := count(1, 2)
	held := len(os.Args) > 4 && os.Args[4] == "held"
	each := nanosecondsEach(func(n uint64) time.Duration { return mutexRun(n, threads, held) }, 10*uint64(threads))
	fmt.Printf("ns_per_section %.1f\nsections_per_second %.0f\n", each, 1e9/each)
}

func createJoin() {
	fmt.Printf("ns_per_thread %.1f\n", nanosecondsEach(func(n uint64) time.Duration {
		ran, start := uint64(0), time.Now()
		for i := uint64(0); i < n; i++ {
			done := make(chan struct{})
			go func() { ran++; close(done) }()
			<-done
		}
		elapsed := time.Since(start)
		if ran != n {
			die("create_join", "goroutines that never ran")
		}
		return elapsed
	}, 200))
}

func fresh() {
	n := count(0, 1000)
	g, start := newGate(n), time.Now()
	var done sync.WaitGroup
	done.Add(n)
	for i := 0; i < n; i++ {
		go func() { g.arrive(); done.Done() }()
	}
	g.await()
	alive := time.Now()
	g.unlatch()
	done.Wait()
	fmt.Printf("ns_per_thread %.1f\nns_per_join %.1f\n", float64(alive.Sub(start))/float64(n), float64(time.Since(alive))/float64(n))
}

func timers() {
	n := count(0, 1000)
	late := make([]time.Duration, n)
	before := cpuMicroseconds()
	all(n, func(i int) {
		wanted := time.Duration(1000000+(scramble(scramble(uint64(i)))>>32)%2000000) * time.Microsecond
		start := time.Now()
		time.Sleep(wanted)
		if late[i] = time.Since(start) - wanted; late[i] < 0 {
			die("timers", "a sleeper that woke early")
		}
	})
	fmt.Printf("cpu_us_per_sleeper %.3f\n", (cpuMicroseconds()-before)/float64(n))
	sort.Slice(late, func(a, b int) bool { return late[a] < late[b] })
	for name, at := range map[string]int{"p50": n / 2, "p99": n * 99 / 100, "max": n - 1} {
		fmt.Printf("late_%s_us %.1f\n", name, float64(late[at])/1e3)
	}
}

// The read end through the runtime's poller, as os.Pipe gives it; a token is its place and the hops it has left.
func ring() {
	const tokens = 64
	places := count(1, 1000)
	read, write := make([]*os.File, places), make([]*os.File, places)
	for i := range read {
		var err error
		read[i], write[i], err = os.Pipe()
		check("pipe", err)
	}
	put := func(place, left int) {
		var token [8]byte
		binary.LittleEndian.PutUint32(token[:], uint32(place))
		binary.LittleEndian.PutUint32(token[4:], uint32(left))
		_, err := write[place].Write(token[:])
		check("write", err)
	}
	ended := make(chan struct{}, tokens)
	for i := 0; i < places; i++ {
		go func(place int) {
			var token [8]byte
			for {
				_, err := io.ReadFull(read[place], token[:])
				check("read", err)
				if int(binary.LittleEndian.Uint32(token[:])) != place {
					die("ring", "a token in the wrong pipe")
				}
				if left := int(binary.LittleEndian.Uint32(token[4:])); left > 0 {
					put((place+1)%places, left-1)
				} else {
					ended <- struct{}{}
				}
			}
		}(i)
	}
	fmt.Printf("ns_per_hop %.1f\n", nanosecondsEach(func(n uint64) time.Duration {
		start := time.Now()
		for i := 0; i < tokens; i++ {
			put(i*places/tokens, int(n/tokens)-1)
		}
		for i := 0; i < tokens; i++ {
			<-ended
		}
		return time.Since(start)
	}, 16*tokens))
}

func parked() {
	input, inRecv, n := bufio.NewReader(os.Stdin), os.Args[2] == "recv", count(1, 1000)
	var near, far []net.Conn
	for i := 0; inRecv && i < n; i++ {
		a, b := socketPair()
		near, far = append(near, a), append(far, b)
	}
	all(1, func(int) {})
	g := newGate(n)
	sayAndWait("ready", input)
	for i := 0; i < n; i++ {
		if !inRecv {
			go g.arrive()
			continue
		}
		go func(connection net.Conn) {
			g.lock.Lock()
			if g.here++; g.here == n {
				g.arrived.Signal()
			}
			g.lock.Unlock()
			buffer := make([]byte, 1)
			if _, err := connection.Read(buffer); err != io.EOF {
				die("read", err)
			}
		}(near[i])
	}
	g.await()
	sayAndWait("parked", input)
	g.unlatch()
	for _, connection := range far {
		connection.Close()
	}
}

func socketPair() (net.Conn, net.Conn) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	check("socketpair", err)
	return connection(fds[0]), connection(fds[1])
}

func connection(fd int) net.Conn {
	file := os.NewFile(uintptr(fd), "socketpair")
	defer file.Close()
	connection, err := net.FileConn(file)
	check("connection", err)
	return connection
}
