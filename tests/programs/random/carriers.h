// What channels.c tabulates from the other files, and the steps on channels.
#ifndef RANDOM_CARRIERS_H
#define RANDOM_CARRIERS_H

#include "program.h"

void open_nothing(struct channel *ch, struct chance *c);
void open_monitor(struct channel *ch, struct chance *c);
void send_monitor(struct channel *ch, uint64_t value, struct chance *c);
uint64_t receive_monitor(struct channel *ch, struct chance *c);
void finish_monitor(struct channel *ch, struct chance *c);
void end_monitor(struct channel *ch, struct chance *c);
void open_c11(struct channel *ch, struct chance *c);
void send_c11(struct channel *ch, uint64_t value, struct chance *c);
uint64_t receive_c11(struct channel *ch, struct chance *c);
void finish_c11(struct channel *ch, struct chance *c);
void end_c11(struct channel *ch, struct chance *c);
void open_semaphores(struct channel *ch, struct chance *c);
void send_semaphores(struct channel *ch, uint64_t value, struct chance *c);
uint64_t receive_semaphores(struct channel *ch, struct chance *c);
void send_futex(struct channel *ch, uint64_t value, struct chance *c);
uint64_t receive_futex(struct channel *ch, struct chance *c);
void send_signal(struct channel *ch, uint64_t value, struct chance *c);
void send_process_signal(struct channel *ch, uint64_t value, struct chance *c);
uint64_t await_signal(struct channel *ch, struct chance *c);
void open_handled(struct channel *ch, struct chance *c);
uint64_t receive_handled(struct channel *ch, struct chance *c);
void end_handled(struct channel *ch, struct chance *c);

void arrive(struct channel *ch, struct chance *c);
doing send_much, receive_much, gather;

#endif
