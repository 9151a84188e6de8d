# Ruby's threads: native threads under one big lock, with a timer thread of the interpreter's own, interruptible sleeps,
# and a select or poll before each blocking call. Prints only what every correct run prints.
require 'monitor'
require 'socket'
require 'timeout'

$stdout.sync = true
Thread.report_on_exception = false

def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

def say(section, *words) = puts("#{section}: #{words.join(' ')}")

def in_threads(count) = Array.new(count) { |i| Thread.new(i) { |n| yield n } }.map(&:value)

def rescued(kind)
  yield
rescue kind => e
  "#{e.class}: #{e.message}"
end

def values
  squares = in_threads(200) { |i| i * i }
  unfinished = Thread.new { Thread.stop }
  early = unfinished.join(0.02).nil?
  unfinished.kill.join
  say 'values', squares.sum, early, unfinished.status.inspect
end

def queues
  jobs = SizedQueue.new(5)
  answers = Queue.new
  workers = Array.new(8) { Thread.new { while (job = jobs.pop) do answers << (job * 2) end } }
  500.times { |n| jobs << n }
  jobs.close
  workers.each(&:join)
  answers.close
  all = Array.new(answers.size) { answers.pop }
  full = SizedQueue.new(1).push(:one)
  refused = rescued(ThreadError) { full.push(:two, true) }
  say 'queues', all.size, all.sum, answers.pop.inspect, refused
end

def locks
  lock = Mutex.new
  count = 0
  in_threads(20) { 200.times { |n| lock.synchronize { count += 1; Thread.pass if (n % 50).zero? } } }
  recursive = Monitor.new
  depth = in_threads(5) { recursive.synchronize { recursive.synchronize { Thread.pass; 2 } } }.sum
  held = lock.synchronize { Thread.new { lock.try_lock }.value }
  own = rescued(ThreadError) { lock.synchronize { lock.lock } }
  say 'locks', count, depth, held, own
end

def conditions
  lock = Mutex.new
  changed = ConditionVariable.new
  ball = 0
  player = lambda do |parity|
    300.times do
      lock.synchronize do
        changed.wait(lock) until ball % 2 == parity
        ball += 1
        changed.broadcast
      end
    end
  end
  [0, 1].map { |parity| Thread.new { player.call(parity) } }.each(&:join)
  began = now
  lock.synchronize { changed.wait(lock, 0.03) }
  say 'conditions', ball, now - began >= 0.025
end

def thread_locals
  kept = in_threads(50) do |i|
    Thread.current[:own] = i
    Thread.current.thread_variable_set(:own, i)
    sleep 0.002
    Thread.current[:own] == i && Thread.current.thread_variable_get(:own) == i
  end
  say 'locals', kept.count(true)
end

def errors
  failing = Thread.new { raise ArgumentError, 'of its own' }
  caught = rescued(ArgumentError) { failing.join }
  sleeper = Thread.new { rescued(RuntimeError) { sleep } }
  Thread.pass until sleeper.stop?
  sleeper.raise('from outside')
  cleaned = []
  killed = Thread.new do
    sleep
  ensure
    cleaned << :ensure
  end
  Thread.pass until killed.stop?
  killed.kill.join
  say 'errors', caught, sleeper.value, cleaned.inspect
end

def timeouts
  began = now
  results = in_threads(10) do
    Timeout.timeout(0.05) { sleep 20 }
    'not reached'
  rescue Timeout::Error
    'expired'
  end
  quick = Timeout.timeout(20) { sleep 0.01; 'finished' }
  reader, writer = IO.pipe
  blocked = rescued(Timeout::Error) { Timeout.timeout(0.05) { reader.read(1) } }
  writer.close
  say 'timeouts', results.tally.inspect, quick, blocked, now - began < 15
end

def serve(connection)
  while (line = connection.gets) do connection.write(line.upcase) end
  connection.close
  1
end

def converse(port, i)
  socket = TCPSocket.new('127.0.0.1', port)
  right = (1..10).all? do |n|
    socket.write("line #{n} of client #{i}\n")
    socket.gets == "LINE #{n} OF CLIENT #{i}\n"
  end
  socket.close_write
  right && socket.read.empty?
end

def sockets
  count = 100
  listener = TCPServer.new('127.0.0.1', 0)
  server = Thread.new { Array.new(count) { Thread.new(listener.accept) { |c| serve(c) } }.sum(&:value) }
  right = in_threads(count) { |i| converse(listener.addr[1], i) }.count(true)
  say 'sockets', right, server.value
end

def pipes_and_pairs
  reader, writer = IO.pipe
  block = Array.new(300_000) { |n| (n % 251).chr }.join.b
  sender = Thread.new { writer.write(block); writer.close }
  same = reader.binmode.read == block
  sender.join
  left, right = UNIXSocket.pair
  echo = Thread.new { right.write(right.readpartial(100).reverse) }
  left.write('stressed')
  ready = IO.select([left], nil, nil, 20)&.first&.size
  say 'pipes', same, ready, left.readpartial(100), echo.value
end

def sleeping
  order = Queue.new
  began = now
  in_threads(5) { |i| sleep(0.15 * (4 - i)); order << 4 - i }
  took = now - began
  say 'sleep', Array.new(5) { order.pop }.inspect, took >= 0.59 && took < 10
end

def children
  words = in_threads(4) { |i| [`echo from the shell #{i}`.chomp, $?.exitstatus] }
  child = fork { exit!(Thread.new { 7 }.value) }
  _, status = Process.wait2(child)
  say 'children', words.inspect, status.exitstatus
end

def fibers
  producer = Enumerator.new { |y| 5.times { |n| y << n } }
  taken = in_threads(20) { |i| Fiber.new { Fiber.yield(i); i * 2 }.then { |f| f.resume + (sleep(0.001); f.resume) } }
  say 'fibers', Array.new(5) { producer.next }.inspect, taken.sum
end

values
queues
locks
conditions
thread_locals
errors
timeouts
sockets
pipes_and_pairs
sleeping
children
fibers
