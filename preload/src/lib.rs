//! `libgreenlet.so`: every C symbol that is exported, each with its operation, and no logic.
//!
//! A file of this crate has the hooks of one subject and is named like the part of the engine's `ops` that carries
//! them out, so the path of a call is three files: the hook here, its operation, and what the operation waits on.
//! `export` says what a hook is, `ret` how C functions fail, `real` reaches the next definition, `c` has prototypes.
//!
//! What may not be assumed here: that our constructor has run (another library's may call first), that the calling
//! thread is one we made, that the program's `malloc` can be called, or that a call comes back (it may unwind).
//!
//! # The symbols
//!
//! Exactly these are exported, without a version where none is written, so that any version asked for is answered
//! (`tests/symbols.rs` compares the table with the library, and each row with its file). *offload* is the real call
//! with the worker's permit given up, *exec* the real call with pending signals given to the kernel, *ids* the real call
//! while each kernel thread has one descriptor for libc to ask (`ops::ids`); `ops::fd::opened`, `ops::fd::seen` and
//! `ops::stdio::opened` follow the real call, `ops::stdio::wait_for_input` comes before it.
//!
//! A version that has another prototype and is older than any program met so far is not told apart:
//! `pthread_{get,set}affinity_np@GLIBC_2.3.3` and `sched_{get,set}affinity@GLIBC_2.3.3`, which had no size, and
//! `timer_create@GLIBC_2.2.5`. Nor is one that did something else for a program of that age:
//! `posix_spawn@GLIBC_2.2.5` (gave scripts without a first line to the shell), `lio_listio@GLIBC_2.2.5`.
//!
//! | symbol | file | operation |
//! |---|---|---|
//! | `connect` | socket | `ops::socket::connect` |
//! | `__connect` | socket | `ops::socket::connect` |
//! | `accept` | socket | `ops::socket::accept` |
//! | `accept4` | socket | `ops::socket::accept4` |
//! | `getsockname` | socket | `ops::tls::getsockname` |
//! | `getpeername` | socket | `ops::tls::getpeername` |
//! | `getsockopt` | socket | `ops::tls::getsockopt` |
//! | `setsockopt` | socket | `ops::fd::setsockopt` |
//! | `socket` | socket | `ops::fd::opened` |
//! | `socketpair` | socket | `ops::fd::opened` |
//! | `bind` | socket | `ops::fd::seen` |
//! | `listen` | socket | `ops::tls::listen` |
//! | `shutdown` | socket | `ops::tls::shutdown` |
//! | `read` | io | `ops::io::read` |
//! | `readv` | io | `ops::io::readv` |
//! | `write` | io | `ops::io::write` |
//! | `writev` | io | `ops::io::writev` |
//! | `preadv2` | io | `ops::io::readv` |
//! | `preadv64v2` | io | `ops::io::readv` |
//! | `pwritev2` | io | `ops::io::writev` |
//! | `pwritev64v2` | io | `ops::io::writev` |
//! | `eventfd_read` | io | `ops::io::eventfd_read` |
//! | `eventfd_write` | io | `ops::io::eventfd_write` |
//! | `recv` | io | `ops::io::recv` |
//! | `recvfrom` | io | `ops::io::recvfrom` |
//! | `recvmsg` | io | `ops::io::recvmsg` |
//! | `recvmmsg` | io | `ops::io::recvmmsg` |
//! | `send` | io | `ops::io::send` |
//! | `sendto` | io | `ops::tls::sendto` |
//! | `sendmsg` | io | `ops::tls::sendmsg` |
//! | `sendmmsg` | io | `ops::tls::sendmmsg` |
//! | `__read` | io | `ops::io::read` |
//! | `__write` | io | `ops::io::write` |
//! | `__send` | io | `ops::io::send` |
//! | `sendfile` | io | `ops::transfer::sendfile` |
//! | `sendfile64` | io | `ops::transfer::sendfile` |
//! | `splice` | io | `ops::transfer::splice` |
//! | `tee` | io | `ops::transfer::tee` |
//! | `vmsplice` | io | `ops::transfer::vmsplice` |
//! | `__read_chk` | io | `ops::io::read` |
//! | `__recv_chk` | io | `ops::io::recv` |
//! | `__recvfrom_chk` | io | `ops::io::recvfrom` |
//! | `close` | fd | `ops::fd::close` |
//! | `__close` | fd | `ops::fd::close` |
//! | `close_range` | fd | `ops::fd::close_range` |
//! | `closefrom` | fd | `ops::fd::closefrom` |
//! | `dup2` | fd | `ops::fd::dup2` |
//! | `__dup2` | fd | `ops::fd::dup2` |
//! | `dup3` | fd | `ops::fd::dup3` |
//! | `dup` | fd | `ops::fd::opened` |
//! | `pipe` | fd | `ops::fd::opened` |
//! | `__pipe` | fd | `ops::fd::opened` |
//! | `pipe2` | fd | `ops::fd::opened` |
//! | `eventfd` | fd | `ops::fd::opened` |
//! | `timerfd_create` | fd | `ops::fd::opened` |
//! | `signalfd` | fd | `ops::fd::signalfd` |
//! | `epoll_create` | fd | `ops::fd::opened` |
//! | `epoll_create1` | fd | `ops::fd::opened` |
//! | `inotify_init` | fd | `ops::fd::opened` |
//! | `inotify_init1` | fd | `ops::fd::opened` |
//! | `fanotify_init` | fd | `ops::fd::opened` |
//! | `open` | fd | `ops::fd::opened` |
//! | `open64` | fd | `ops::fd::opened` |
//! | `__open` | fd | `ops::fd::opened` |
//! | `__open64` | fd | `ops::fd::opened` |
//! | `__open_2` | fd | `ops::fd::opened` |
//! | `__open64_2` | fd | `ops::fd::opened` |
//! | `openat` | fd | `ops::fd::opened` |
//! | `openat64` | fd | `ops::fd::opened` |
//! | `__openat_2` | fd | `ops::fd::opened` |
//! | `__openat64_2` | fd | `ops::fd::opened` |
//! | `creat` | fd | `ops::fd::opened` |
//! | `creat64` | fd | `ops::fd::opened` |
//! | `posix_openpt` | fd | `ops::fd::opened` |
//! | `fclose` | fd | `ops::stdio::closing` |
//! | `ioctl` | fd | `ops::fd::mode_changed` |
//! | `fcntl` | fd | `ops::fd::opened` |
//! | `fcntl64` | fd | `ops::fd::opened` |
//! | `__fcntl` | fd | `ops::fd::opened` |
//! | `fopen` | stdio | `ops::stdio::opened` |
//! | `fopen64` | stdio | `ops::stdio::opened` |
//! | `popen` | stdio | `ops::stdio::opened` |
//! | `freopen` | stdio | `ops::stdio::opened` |
//! | `freopen64` | stdio | `ops::stdio::opened` |
//! | `pclose` | stdio | `ops::stdio::pclose` |
//! | `fgetc` | stdio | `ops::stdio::wait_for_input` |
//! | `getc` | stdio | `ops::stdio::wait_for_input` |
//! | `_IO_getc` | stdio | `ops::stdio::wait_for_input` |
//! | `getchar` | stdio | `ops::stdio::wait_for_input` |
//! | `fgetc_unlocked` | stdio | `ops::stdio::wait_for_input` |
//! | `getc_unlocked` | stdio | `ops::stdio::wait_for_input` |
//! | `getchar_unlocked` | stdio | `ops::stdio::wait_for_input` |
//! | `__uflow` | stdio | `ops::stdio::wait_for_input` |
//! | `__underflow` | stdio | `ops::stdio::wait_for_input` |
//! | `fgets` | stdio | `ops::stdio::wait_for_input` |
//! | `fgets_unlocked` | stdio | `ops::stdio::wait_for_input` |
//! | `__fgets_chk` | stdio | `ops::stdio::wait_for_input` |
//! | `__fgets_unlocked_chk` | stdio | `ops::stdio::wait_for_input` |
//! | `fread` | stdio | `ops::stdio::wait_for_input` |
//! | `fread_unlocked` | stdio | `ops::stdio::wait_for_input` |
//! | `__fread_chk` | stdio | `ops::stdio::wait_for_input` |
//! | `__fread_unlocked_chk` | stdio | `ops::stdio::wait_for_input` |
//! | `getline` | stdio | `ops::stdio::wait_for_input` |
//! | `getdelim` | stdio | `ops::stdio::wait_for_input` |
//! | `__getdelim` | stdio | `ops::stdio::wait_for_input` |
//! | `poll` | readiness | `ops::readiness::poll` |
//! | `__poll` | readiness | `ops::readiness::poll` |
//! | `ppoll` | readiness | `ops::readiness::ppoll` |
//! | `select` | readiness | `ops::readiness::select` |
//! | `__select` | readiness | `ops::readiness::select` |
//! | `pselect` | readiness | `ops::readiness::pselect` |
//! | `epoll_wait` | readiness | `ops::readiness::epoll_wait` |
//! | `epoll_pwait` | readiness | `ops::readiness::epoll_pwait` |
//! | `epoll_pwait2` | readiness | `ops::readiness::epoll_pwait2` |
//! | `__poll_chk` | readiness | `ops::readiness::poll` |
//! | `__ppoll_chk` | readiness | `ops::readiness::ppoll` |
//! | `sleep` | time | `ops::time::sleep` |
//! | `usleep` | time | `ops::time::usleep` |
//! | `nanosleep` | time | `ops::time::nanosleep` |
//! | `__nanosleep` | time | `ops::time::nanosleep` |
//! | `clock_nanosleep` | time | `ops::time::clock_nanosleep` |
//! | `thrd_sleep` | time | `ops::time::thrd_sleep` |
//! | `sched_yield` | time | `ops::time::sched_yield` |
//! | `__sched_yield` | time | `ops::time::sched_yield` |
//! | `pthread_yield` | time | `ops::time::pthread_yield` |
//! | `thrd_yield` | time | `ops::time::thrd_yield` |
//! | `getaddrinfo` | resolve | offload |
//! | `getnameinfo` | resolve | offload |
//! | `gethostbyname` | resolve | offload |
//! | `gethostbyname2` | resolve | offload |
//! | `gethostbyaddr` | resolve | offload |
//! | `gethostbyname_r` | resolve | offload |
//! | `gethostbyname2_r` | resolve | offload |
//! | `gethostbyaddr_r` | resolve | offload |
//! | `getaddrinfo_a` | resolve | offload |
//! | `gai_suspend` | resolve | offload |
//! | `getservbyname` | resolve | offload |
//! | `getservbyport` | resolve | offload |
//! | `getservbyname_r` | resolve | offload |
//! | `getservbyport_r` | resolve | offload |
//! | `getpwnam` | resolve | offload |
//! | `getpwuid` | resolve | offload |
//! | `getpwnam_r` | resolve | offload |
//! | `getpwuid_r` | resolve | offload |
//! | `getspnam` | resolve | offload |
//! | `getspnam_r` | resolve | offload |
//! | `getgrnam` | resolve | offload |
//! | `getgrgid` | resolve | offload |
//! | `getgrnam_r` | resolve | offload |
//! | `getgrgid_r` | resolve | offload |
//! | `getgrouplist` | resolve | offload |
//! | `res_query` | resolve | offload |
//! | `res_search` | resolve | offload |
//! | `res_querydomain` | resolve | offload |
//! | `res_send` | resolve | offload |
//! | `res_nquery` | resolve | offload |
//! | `res_nsearch` | resolve | offload |
//! | `res_nquerydomain` | resolve | offload |
//! | `res_nsend` | resolve | offload |
//! | `__res_query` | resolve | offload |
//! | `__res_search` | resolve | offload |
//! | `__res_querydomain` | resolve | offload |
//! | `__res_send` | resolve | offload |
//! | `__res_nquery` | resolve | offload |
//! | `__res_nsearch` | resolve | offload |
//! | `__res_nquerydomain` | resolve | offload |
//! | `__res_nsend` | resolve | offload |
//! | `vfork` | process | `ops::process::vfork_prepare` |
//! | `clone` | process | `ops::process::Child` |
//! | `fork` | process | `ops::process::fork` |
//! | `forkpty` | process | `ops::process::forkpty` |
//! | `_Fork` | process | `ops::process::fork_raw` |
//! | `execve` | process | exec |
//! | `execv` | process | exec |
//! | `execvp` | process | exec |
//! | `execvpe` | process | exec |
//! | `fexecve` | process | exec |
//! | `execveat` | process | exec |
//! | `execl` | process | exec |
//! | `execle` | process | exec |
//! | `execlp` | process | exec |
//! | `__register_atfork` | process | `ops::process::register_atfork` |
//! | `pthread_atfork` | process | `ops::process::atfork` |
//! | `wait` | process | offload |
//! | `waitpid` | process | offload |
//! | `__wait` | process | offload |
//! | `__waitpid` | process | offload |
//! | `waitid` | process | offload |
//! | `wait3` | process | offload |
//! | `wait4` | process | offload |
//! | `system` | process | offload |
//! | `posix_spawn` | process | offload |
//! | `posix_spawnp` | process | offload |
//! | `fsync` | process | offload |
//! | `fdatasync` | process | offload |
//! | `sync` | process | offload |
//! | `syncfs` | process | offload |
//! | `sync_file_range` | process | offload |
//! | `msync` | process | offload |
//! | `copy_file_range` | process | offload |
//! | `aio_suspend` | process | offload |
//! | `aio_suspend64` | process | offload |
//! | `lio_listio` | process | offload |
//! | `lio_listio64` | process | offload |
//! | `flock` | process | offload |
//! | `lockf` | process | offload |
//! | `lockf64` | process | offload |
//! | `tcdrain` | process | offload |
//! | `tcsendbreak` | process | offload |
//! | `tcsetattr` | process | offload |
//! | `msgrcv` | process | offload |
//! | `msgsnd` | process | offload |
//! | `semop` | process | offload |
//! | `semtimedop` | process | offload |
//! | `mq_open` | process | `ops::fd::opened` |
//! | `mq_close` | process | `ops::fd::close_now` |
//! | `mq_receive` | process | offload |
//! | `mq_timedreceive` | process | offload |
//! | `mq_send` | process | offload |
//! | `mq_timedsend` | process | offload |
//! | `sigaction` | signal | `ops::signal::sigaction` |
//! | `signal` | signal | `ops::signal::signal` |
//! | `bsd_signal` | signal | `ops::signal::bsd_signal` |
//! | `ssignal` | signal | `ops::signal::signal` |
//! | `sysv_signal` | signal | `ops::signal::sysv_signal` |
//! | `__sysv_signal` | signal | `ops::signal::sysv_signal` |
//! | `siginterrupt` | signal | `ops::signal::siginterrupt` |
//! | `sigblock` | signal | `ops::old_signal::sigblock` |
//! | `siggetmask` | signal | `ops::old_signal::siggetmask` |
//! | `sighold` | signal | `ops::old_signal::sighold` |
//! | `sigignore` | signal | `ops::old_signal::sigignore` |
//! | `sigrelse` | signal | `ops::old_signal::sigrelse` |
//! | `sigset` | signal | `ops::old_signal::sigset` |
//! | `sigsetmask` | signal | `ops::old_signal::sigsetmask` |
//! | `sigprocmask` | signal | `ops::signal::sigprocmask` |
//! | `pthread_sigmask` | signal | `ops::signal::pthread_sigmask` |
//! | `kill` | signal | `ops::signal::kill` |
//! | `killpg` | signal | `ops::signal::killpg` |
//! | `pthread_kill` | signal | `ops::signal::pthread_kill` |
//! | `pthread_sigqueue` | signal | `ops::signal::pthread_sigqueue` |
//! | `tgkill` | signal | `ops::signal::tgkill` |
//! | `raise` | signal | `ops::signal::raise` |
//! | `sigpending` | signal | `ops::signal::sigpending` |
//! | `sigqueue` | signal | `ops::signal::sigqueue` |
//! | `sigsuspend` | signal | `ops::signal::sigsuspend` |
//! | `sigpause` | signal | `ops::signal::sigpause` |
//! | `__xpg_sigpause` | signal | `ops::signal::xpg_sigpause` |
//! | `pause` | signal | `ops::signal::pause` |
//! | `sigwait` | signal | `ops::signal::sigwait` |
//! | `sigwaitinfo` | signal | `ops::signal::sigwaitinfo` |
//! | `sigtimedwait` | signal | `ops::signal::sigtimedwait` |
//! | `sigaltstack` | signal | `ops::signal::sigaltstack` |
//! | `siglongjmp` | signal | `ops::signal::jump` |
//! | `longjmp` | signal | `ops::signal::jump` |
//! | `_longjmp` | signal | `ops::signal::jump` |
//! | `__longjmp_chk` | signal | `ops::signal::jump_checked` |
//! | `pthread_create` | thread | `ops::create::create` |
//! | `pthread_join` | thread | `ops::thread::join` |
//! | `pthread_tryjoin_np` | thread | `ops::thread::tryjoin` |
//! | `pthread_timedjoin_np` | thread | `ops::thread::timedjoin` |
//! | `pthread_clockjoin_np` | thread | `ops::thread::clockjoin` |
//! | `pthread_detach` | thread | `ops::thread::detach` |
//! | `pthread_exit` | thread | `ops::thread::before_exit` |
//! | `pthread_cancel` | thread | `ops::thread::cancel` |
//! | `pthread_setcancelstate` | thread | `ops::thread::setcancelstate` |
//! | `pthread_setcanceltype` | thread | `ops::thread::setcanceltype` |
//! | `pthread_testcancel` | thread | `ops::thread::testcancel` |
//! | `pthread_key_create` | thread | `ops::thread::key_create` |
//! | `__pthread_key_create` | thread | `ops::thread::key_create` |
//! | `pthread_key_delete` | thread | `ops::thread::key_delete` |
//! | `tss_create` | thread | `ops::thread::key_create` |
//! | `tss_delete` | thread | `ops::thread::key_delete` |
//! | `pthread_getattr_np` | thread | `ops::about::getattr` |
//! | `pthread_setname_np` | thread | `ops::about::setname` |
//! | `pthread_getname_np` | thread | `ops::about::getname` |
//! | `pthread_getaffinity_np` | thread | `ops::about::getaffinity` |
//! | `pthread_setaffinity_np` | thread | `ops::about::setaffinity` |
//! | `pthread_getschedparam` | thread | `ops::about::getschedparam` |
//! | `pthread_setschedparam` | thread | `ops::about::setschedparam` |
//! | `pthread_setschedprio` | thread | `ops::about::setschedprio` |
//! | `pthread_getcpuclockid` | thread | `ops::about::getcpuclockid` |
//! | `prctl` | thread | `ops::about::prctl` |
//! | `gettid` | thread | `ops::about::gettid` |
//! | `sched_setaffinity` | task | `ops::task::sched_setaffinity` |
//! | `sched_getaffinity` | task | `ops::task::sched_getaffinity` |
//! | `sched_setscheduler` | task | `ops::task::sched_setscheduler` |
//! | `sched_getscheduler` | task | `ops::task::sched_getscheduler` |
//! | `sched_setparam` | task | `ops::task::sched_setparam` |
//! | `sched_getparam` | task | `ops::task::sched_getparam` |
//! | `sched_rr_get_interval` | task | `ops::task::sched_rr_get_interval` |
//! | `setpriority` | task | `ops::task::setpriority` |
//! | `getpriority` | task | `ops::task::getpriority` |
//! | `nice` | task | `ops::task::nice` |
//! | `unshare` | task | `ops::task::unshare` |
//! | `setns` | task | `ops::task::setns` |
//! | `personality` | task | `ops::task::personality` |
//! | `setfsuid` | task | `ops::task::setfsuid` |
//! | `setfsgid` | task | `ops::task::setfsgid` |
//! | `setuid` | ids | ids |
//! | `setgid` | ids | ids |
//! | `seteuid` | ids | ids |
//! | `setegid` | ids | ids |
//! | `setreuid` | ids | ids |
//! | `setregid` | ids | ids |
//! | `setresuid` | ids | ids |
//! | `setresgid` | ids | ids |
//! | `setgroups` | ids | ids |
//! | `initgroups` | ids | `ops::ids::initgroups` |
//! | `capset` | task | `ops::task::capset` |
//! | `capget` | task | `ops::task::capget` |
//! | `ioperm` | task | `ops::task::ioperm` |
//! | `iopl` | task | `ops::task::iopl` |
//! | `arch_prctl` | task | `ops::task::arch_prctl` |
//! | `pkey_alloc` | task | `ops::task::pkey_alloc` |
//! | `pkey_set` | task | `ops::task::pkey_set` |
//! | `ptrace` | task | `ops::task::ptrace` |
//! | `timer_create` | task | `ops::task::timer_create` |
//! | `pthread_mutex_lock` | mutex | `ops::mutex::lock` |
//! | `pthread_mutex_trylock` | mutex | `ops::mutex::trylock` |
//! | `pthread_mutex_timedlock` | mutex | `ops::mutex::timedlock` |
//! | `pthread_mutex_clocklock` | mutex | `ops::mutex::clocklock` |
//! | `pthread_mutex_unlock` | mutex | `ops::mutex::unlock` |
//! | `__pthread_mutex_lock` | mutex | `ops::mutex::lock` |
//! | `__pthread_mutex_trylock` | mutex | `ops::mutex::trylock` |
//! | `__pthread_mutex_unlock` | mutex | `ops::mutex::unlock` |
//! | `pthread_spin_lock` | mutex | `ops::spin::lock` |
//! | `pthread_cond_clockwait` | cond | `ops::cond::clockwait` |
//! | `pthread_cond_wait@@GLIBC_2.3.2` | cond | `ops::cond::wait` |
//! | `pthread_cond_timedwait@@GLIBC_2.3.2` | cond | `ops::cond::timedwait` |
//! | `pthread_cond_signal@@GLIBC_2.3.2` | cond | `ops::cond::signal` |
//! | `pthread_cond_broadcast@@GLIBC_2.3.2` | cond | `ops::cond::broadcast` |
//! | `pthread_cond_wait@GLIBC_2.2.5` | cond | `ops::cond::old_wait` |
//! | `pthread_cond_timedwait@GLIBC_2.2.5` | cond | `ops::cond::old_timedwait` |
//! | `pthread_cond_signal@GLIBC_2.2.5` | cond | `ops::cond::old_signal` |
//! | `pthread_cond_broadcast@GLIBC_2.2.5` | cond | `ops::cond::old_broadcast` |
//! | `pthread_rwlock_rdlock` | rwlock | `ops::rwlock::rdlock` |
//! | `pthread_rwlock_tryrdlock` | rwlock | `ops::rwlock::tryrdlock` |
//! | `pthread_rwlock_trywrlock` | rwlock | `ops::rwlock::trywrlock` |
//! | `pthread_rwlock_wrlock` | rwlock | `ops::rwlock::wrlock` |
//! | `pthread_rwlock_timedrdlock` | rwlock | `ops::rwlock::timedrdlock` |
//! | `pthread_rwlock_timedwrlock` | rwlock | `ops::rwlock::timedwrlock` |
//! | `pthread_rwlock_clockrdlock` | rwlock | `ops::rwlock::clockrdlock` |
//! | `pthread_rwlock_clockwrlock` | rwlock | `ops::rwlock::clockwrlock` |
//! | `pthread_rwlock_unlock` | rwlock | `ops::rwlock::unlock` |
//! | `__pthread_rwlock_rdlock` | rwlock | `ops::rwlock::rdlock` |
//! | `__pthread_rwlock_wrlock` | rwlock | `ops::rwlock::wrlock` |
//! | `__pthread_rwlock_tryrdlock` | rwlock | `ops::rwlock::tryrdlock` |
//! | `__pthread_rwlock_trywrlock` | rwlock | `ops::rwlock::trywrlock` |
//! | `__pthread_rwlock_unlock` | rwlock | `ops::rwlock::unlock` |
//! | `sem_wait` | sem | `ops::sem::wait` |
//! | `sem_timedwait` | sem | `ops::sem::timedwait` |
//! | `sem_clockwait` | sem | `ops::sem::clockwait` |
//! | `sem_post` | sem | `ops::sem::post` |
//! | `pthread_barrier_destroy` | barrier | `ops::barrier::destroy` |
//! | `pthread_barrier_wait` | barrier | `ops::barrier::wait` |
//! | `pthread_once` | once | `ops::once::once` |
//! | `__pthread_once` | once | `ops::once::once` |
//! | `call_once` | once | `ops::once::call_once` |
//! | `thrd_create` | c11 | `ops::c11::thrd_create` |
//! | `thrd_join` | c11 | `ops::c11::thrd_join` |
//! | `thrd_detach` | c11 | `ops::c11::thrd_detach` |
//! | `thrd_exit` | c11 | `ops::thread::before_exit` |
//! | `mtx_lock` | c11 | `ops::c11::mtx_lock` |
//! | `mtx_timedlock` | c11 | `ops::c11::mtx_timedlock` |
//! | `mtx_unlock` | c11 | `ops::c11::mtx_unlock` |
//! | `cnd_wait` | c11 | `ops::c11::cnd_wait` |
//! | `cnd_timedwait` | c11 | `ops::c11::cnd_timedwait` |
//! | `cnd_signal` | c11 | `ops::c11::cnd_signal` |
//! | `cnd_broadcast` | c11 | `ops::c11::cnd_broadcast` |
//! | `syscall` | futex | `ops::futex::syscall` |
//!
//! # What can wait and is not hooked
//!
//! These are libc's own, and a thread that waits in one of them holds a kernel thread until rescue has replaced its
//! worker. That is what it costs without the library; each is here for a reason.
//!
//! - Files: `pread`, `pwrite`, `preadv`, `pwritev`, `readahead`, `fallocate`, `ftruncate`, `stat`, `rename`, `readdir`
//!   and so on. A disk answers by itself, most calls come out of memory, and giving the permit up would cost each more
//!   than it does. (`fsync` and its kin always go to the disk. A copy inside the kernel may be of any length. Both are
//!   offloaded.)
//! - `open` and `fopen` of a named pipe, which wait for its other end: only the path tells, and to ask what it names
//!   would cost every other `open` a second look-up.
//! - stdio output (`fputs`, `fwrite`, `printf`, `fflush`): what a write inside libc waits for is room, and how much it
//!   is going to write nobody outside knows.
//! - stdio input by `scanf` and its kin, by wide characters, `getw` and `gets`: `scanf` takes arguments without a
//!   number, so nothing can follow it in a hook; the others are rare. And the rest of a line, or of an `fread`, whose
//!   beginning has come.
//! - `flockfile` and each call on a stream that another thread has locked, `syslog`, `dlopen`, `malloc`: libc's own
//!   locks, held for short times by threads that run.
//! - `getpwent`, `getgrent`, `getservent`, `getnetgrent`, `getprotobyname`, `getnetbyname`, `getrpcbyname`,
//!   `getaliasbyname`, `getlogin`: rare, made at start, or answered from a file. `gethostid`, `rcmd`,
//!   `rexec`, `getpass`, the `svc_*` functions: old.
//! - `aio_read`, `getaddrinfo_a` without waiting, `mq_notify`, `timer_create`: they make kernel threads of libc's own,
//!   inside.
//! - `__vfork`, `__sigaction`, `__sigsuspend`, `__fork`: other names that nothing but libc is known to call.
//! - `sem_open`, `shm_open`, `memfd_create`, `mkstemp`, `tmpfile`, `opendir`, `closedir`, `fcloseall`: they wait for
//!   nothing. Their numbers are those of regular files and folders, which nobody waits for, or are about to be of no
//!   use.

#[macro_use]
mod export;

mod c;
mod real;
mod ret;

mod barrier;
mod c11;
mod cond;
mod fd;
mod futex;
mod greenlet;
mod ids;
mod io;
mod mutex;
mod once;
mod process;
mod readiness;
mod resolve;
mod rwlock;
mod sem;
mod signal;
mod socket;
mod stdio;
mod task;
mod thread;
mod time;

/// Everything the library allocates comes from the engine's own allocator: no hook may enter the program's `malloc`.
#[global_allocator]
static ALLOCATOR: engine::sys::alloc::Allocator = engine::sys::alloc::Allocator;

/// Run by the dynamic loader before `main`, after the constructors of what we depend on.
#[used]
#[unsafe(link_section = ".init_array")]
static LOAD: extern "C" fn() = load;

extern "C" fn load() {
    engine::start::load();
}
