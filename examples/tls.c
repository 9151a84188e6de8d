/*
 * TLS, both ends: an echo server, a greenlet for each connection, and a client that says a line and prints the answer.
 *
 *     cc tls.c $(pkg-config --cflags --libs greenlet) -o tls
 *     ./tls serve PORT CERTIFICATES KEY
 *     ./tls say HOST PORT OPTIONS LINE      OPTIONS as of greenlet_connect_ssl(3), for example ca=authority.pem
 */
#include <greenlet.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void *echo(void *arg)
{
    int client = (int)(intptr_t)arg;
    char bytes[4096];
    ssize_t n;
    while ((n = recv(client, bytes, sizeof bytes, 0)) > 0 && send(client, bytes, (size_t)n, MSG_NOSIGNAL) == n)
        ;
    close(client);
    return NULL;
}

static int serve(const char *port, const char *certificates, const char *key)
{
    int listener = greenlet_ssl_listener(NULL, atoi(port), certificates, key, 50), client;
    if (listener < 0) {
        perror("greenlet_ssl_listener");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while ((client = accept(listener, NULL, NULL)) >= 0) {
        greenlet_t one = greenlet_spawn(echo, (void *)(intptr_t)client);
        if (one == 0)
            close(client);
        else
            greenlet_detach(one);
    }
    perror("accept");
    return 1;
}

static int say(const char *host, const char *port, const char *options, const char *line)
{
    int server = greenlet_connect_ssl(host, atoi(port), options);
    if (server < 0) {
        perror("greenlet_connect_ssl");
        return 1;
    }
    size_t length = strlen(line), heard = 0;
    char bytes[4096];
    if (length > sizeof bytes || send(server, line, length, MSG_NOSIGNAL) != (ssize_t)length)
        return 1;
    for (ssize_t n; heard < length && (n = recv(server, bytes + heard, length - heard, 0)) > 0;)
        heard += (size_t)n;
    printf("%.*s\n", (int)heard, bytes);
    return close(server) != 0 || heard != length;
}

int main(int argc, char **argv)
{
    if (greenlet_init(0) != 0) {
        perror("greenlet_init");
        return 1;
    }
    if (argc == 5 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2], argv[3], argv[4]);
    if (argc == 6 && strcmp(argv[1], "say") == 0)
        return say(argv[2], argv[3], argv[4], argv[5]);
    fprintf(stderr, "usage: tls serve PORT CERTIFICATES KEY, or tls say HOST PORT OPTIONS LINE\n");
    return 2;
}
