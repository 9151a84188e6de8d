/* Latencies in slots that grow with the value, each right to 3 %: millions of samples in a few kilobytes. */
#ifndef LATENCY_H
#define LATENCY_H

#include "bench.h"

enum {
    PRECISION = 5, /* 2^5 slots for each power of two */
    SLOTS = 64 << PRECISION
};

static uint64_t samples, slowest, histogram[SLOTS];

static unsigned slot_of(uint64_t ns)
{
    if (ns < (1u << PRECISION))
        return (unsigned)ns;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(ns);
    unsigned within = (unsigned)(ns >> (exponent - PRECISION)) & ((1u << PRECISION) - 1);
    return ((exponent - PRECISION + 1) << PRECISION) + within;
}

static uint64_t upper_end(unsigned slot)
{
    if (slot < (1u << PRECISION))
        return slot;
    unsigned shift = (slot >> PRECISION) - 1;
    uint64_t base = (1u << PRECISION) + (slot & ((1u << PRECISION) - 1));
    return ((base + 1) << shift) - 1;
}

static void record(uint64_t ns)
{
    samples++;
    histogram[slot_of(ns)]++;
    if (ns > slowest)
        slowest = ns;
}

static double percentile_us(double fraction)
{
    uint64_t before = 0, rank = (uint64_t)((double)samples * fraction);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        before += histogram[slot];
        if (before > rank)
            return (double)(upper_end(slot) < slowest ? upper_end(slot) : slowest) / 1e3;
    }
    return (double)slowest / 1e3;
}

#endif
