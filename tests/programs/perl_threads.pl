#!/usr/bin/perl
# Perl's interpreter threads: each has a whole interpreter of its own (so memory and thread-local state are heavy), and
# shared variables are locked through mutexes and conditions. Prints only what every correct run prints.
use strict;
use warnings;
use threads;
use threads::shared;
use IO::Socket::INET;
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC);
use Thread::Queue;
use Thread::Semaphore;
use Time::HiRes qw(time sleep usleep);

$| = 1;

sub say_result { my ($section, @words) = @_; print "$section: @words\n"; }

sub sum { my $total = 0; $total += $_ for @_; return $total; }

sub joined { return map { $_->join } @_; }

sub results {
    my @squares = joined(map { threads->create(sub { return $_[0] ** 2 }, $_) } 1 .. 20);
    my ($list) = threads->create({ context => 'list' }, sub { return (1, 2, 3) });
    my @list = $list->join;
    say_result('results', sum(@squares), scalar(@list));
}

sub shared_counter {
    my $counter :shared = 0;
    my $work = sub { for (1 .. 100) { lock($counter); $counter++; threads->yield if $_ % 25 == 0; } };
    joined(map { threads->create($work) } 1 .. 12);
    say_result('counter', $counter);
}

sub queue {
    my $jobs    = Thread::Queue->new;
    my $answers = Thread::Queue->new;
    my $work    = sub { while (defined(my $job = $jobs->dequeue)) { $answers->enqueue($job * 2) } };
    my @workers = map { threads->create($work) } 1 .. 8;
    $jobs->enqueue($_) for 1 .. 400;
    $jobs->end;
    joined(@workers);
    my @all;
    while (defined(my $answer = $answers->dequeue_nb)) { push @all, $answer }
    my $late = $answers->dequeue_timed(0.02);
    say_result('queue', scalar(@all), sum(@all), defined $late ? 'something' : 'nothing');
}

sub conditions {
    my $ball :shared = 0;
    my $player = sub {
        my ($parity) = @_;
        for (1 .. 200) {
            lock($ball);
            cond_wait($ball) while $ball % 2 != $parity;
            $ball++;
            cond_broadcast($ball);
        }
    };
    joined(map { threads->create($player, $_) } 0, 1);
    my $never :shared = 0;
    my $began = time;
    my $woken = do { lock($never); cond_timedwait($never, time + 0.05) };
    say_result('conditions', $ball, $woken ? 'woken' : 'timeout', time - $began >= 0.04 ? 'in time' : 'early');
}

sub semaphore {
    my $room = Thread::Semaphore->new(3);
    my ($inside, $crowded, $done) :shared = (0, 0, 0);
    my $work = sub {
        for (1 .. 15) {
            $room->down;
            { lock($inside); $inside++; $crowded = 1 if $inside > 3; }
            usleep(200);
            { lock($inside); $inside--; $done++; }
            $room->up;
        }
    };
    joined(map { threads->create($work) } 1 .. 10);
    say_result('semaphore', $done, $crowded ? 'crowded' : 'in order');
}

sub serve {
    my ($connection) = @_;
    while (my $line = <$connection>) { print {$connection} uc $line }
    close $connection;
    return 1;
}

sub converse {
    my ($port, $i) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Proto => 'tcp') or return 0;
    for my $n (1 .. 10) {
        print {$socket} "line $n of client $i\n";
        my $answer = <$socket>;
        return 0 unless defined $answer && $answer eq "LINE $n OF CLIENT $i\n";
    }
    shutdown $socket, 1;
    return !defined <$socket> ? 1 : 0;
}

sub sockets {
    my $count    = 20;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 50) or die "listen: $!";
    my $port     = $listener->sockport;
    my $accept   = sub {
        my @served = map { threads->create(\&serve, scalar $listener->accept) } 1 .. $count;
        return scalar(joined(@served));
    };
    my $server  = threads->create($accept);
    my @clients = map { threads->create(\&converse, $port, $_) } 1 .. $count;
    say_result('sockets', 'right', sum(joined(@clients)), 'served', $server->join);
}

sub pipes {
    pipe(my $reader, my $writer) or die "pipe: $!";
    my $block  = join '', map { chr($_ % 251) } 1 .. 300_000;
    my $sender = threads->create(sub { binmode $writer; my $ok = print {$writer} $block; close $writer; return $ok });
    close $writer;
    binmode $reader;
    my $got = do { local $/; <$reader> };
    say_result('pipe', length $got, $got eq $block ? 'same' : 'different', $sender->join);
}

sub sleeping {
    my @order :shared;
    my $began   = time;
    my $sleeper = sub { my ($n) = @_; select undef, undef, undef, 0.15 * $n; lock(@order); push @order, $n };
    joined(map { threads->create($sleeper, $_) } reverse 0 .. 4);
    my $took = time - $began;
    say_result('sleep', "@order", $took >= 0.59 && $took < 10 ? 'in time' : "took $took");
}

sub errors {
    local $SIG{__WARN__} = sub { };
    my $thread = threads->create({ context => 'list' }, sub { die "of its own\n" });
    my @none   = $thread->join;
    say_result('errors', scalar(@none), $thread->error =~ s/\s+$//r);
}

sub children {
    my $child = sub { my $words = `echo from the shell $_[0]`; chomp $words; return "$words, " . ($? >> 8) };
    say_result('children', joined(map { threads->create($child, $_) } 1 .. 4));
}

results();
shared_counter();
queue();
conditions();
semaphore();
sockets();
pipes();
sleeping();
errors();
children();
