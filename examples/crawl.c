/*
 * A crawler: fetches so many pages of one server at the same time, with ten seconds for each.
 *
 *     cc crawl.c $(pkg-config --cflags --libs greenlet) -o crawl && ./crawl host port [pages]
 */
#include <greenlet.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *host;
static int port;
static long fetched, bytes; /* greenlets take turns: no lock */

static void *fetch(void *page)
{
    char request[128], answer[4096];
    size_t length = (size_t)snprintf(request, sizeof request, "GET /%d HTTP/1.0\r\n\r\n", (int)(intptr_t)page);
    long got = 0;
    ssize_t n = -1;
    int server = greenlet_connect_tcp(host, port, NULL);
    if (server < 0)
        return NULL;
    if (send(server, request, length, MSG_NOSIGNAL) == (ssize_t)length)
        while ((n = recv(server, answer, sizeof answer, 0)) > 0) {
            if (got == 0 && (n < 12 || memcmp(answer + 8, " 200", 4) != 0))
                break;
            got += n;
        }
    close(server);
    return (void *)(intptr_t)(n == 0 ? got : 0);
}

static void *fetch_in_time(void *page)
{
    void *got = NULL;
    if (greenlet_with_timeout(10, fetch, page, NULL, &got) == 0 && got != NULL) {
        fetched++;
        bytes += (long)(intptr_t)got;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int pages = argc > 3 ? atoi(argv[3]) : 500;
    greenlet_t *all = calloc((size_t)pages, sizeof *all);
    if (argc < 3 || all == NULL || greenlet_init(0) != 0) {
        fprintf(stderr, "usage: crawl host port [pages]\n");
        return 2;
    }
    host = argv[1];
    port = atoi(argv[2]);
    for (int i = 0; i < pages; i++)
        all[i] = greenlet_spawn(fetch_in_time, (void *)(intptr_t)i);
    for (int i = 0; i < pages; i++)
        greenlet_join(all[i], NULL);
    free(all);
    printf("%ld of %d pages, %ld bytes\n", fetched, pages, bytes);
    return fetched != pages;
}
