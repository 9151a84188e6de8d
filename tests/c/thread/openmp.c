// OpenMP's run-time library spins and then blocks by futex system calls of its own. It must make progress all the same.
// cflags: -fopenmp
#include "oracle.h"

#include <omp.h>

int main(void)
{
    begin();
    long sum = 0;
    omp_set_dynamic(0);
    omp_set_num_threads(4);
    for (int round = 0; round < 20; round++) {
#pragma omp parallel for reduction(+ : sum) schedule(dynamic, 10)
        for (int i = 0; i < 1000; i++)
            sum += i;
    }
    say("sum: %ld", sum);
    int team = 0, order = 0;
#pragma omp parallel
    {
#pragma omp atomic
        team++;
#pragma omp barrier
#pragma omp critical
        order++;
    }
    say("team %d, critical %d", team, order);
    return 0;
}
