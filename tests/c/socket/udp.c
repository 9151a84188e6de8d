// UDP: whole datagrams, truncation, empty ones, sender's address, connected sockets, a refusal that comes back.
#include "oracle.h"

static int server;

static void *echo(void *unused)
{
    for (int i = 0; i < 5; i++) {
        char data[100];
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        ssize_t got = recvfrom(server, data, sizeof data, 0, (struct sockaddr *)&from, &length);
        MUST(got >= 0);
        MUST(sendto(server, data, (size_t)got, 0, (struct sockaddr *)&from, length) == got);
    }
    return unused;
}

int main(void)
{
    begin();
    char data[100];
    struct sockaddr_in address = loopback(0), from;
    socklen_t length = sizeof from;
    server = socket(AF_INET, SOCK_DGRAM, 0);
    MUST(bind(server, (struct sockaddr *)&address, sizeof address) == 0);
    address = loopback(port_of(server));
    pthread_t thread = start(echo, NULL);
    int client = socket(AF_INET, SOCK_DGRAM, 0);
    set_timeout(client, SO_RCVTIMEO, 10000);
    say_call("sendto", sendto(client, "hello", 5, 0, (struct sockaddr *)&address, sizeof address));
    say_call("recvfrom", recvfrom(client, data, sizeof data, 0, (struct sockaddr *)&from, &length));
    say("from the server: %d", from.sin_port == address.sin_port);
    say_call("connect", connect(client, (struct sockaddr *)&address, sizeof address));
    say_call("send", send(client, "0123456789", 10, 0));
    say_call("recv of four", recv(client, data, 4, 0));
    say_call("the rest is gone", recv(client, data, sizeof data, MSG_DONTWAIT));
    say_call("send", send(client, "0123456789", 10, 0));
    say_call("recv of four, true length", recv(client, data, 4, MSG_TRUNC));
    say_call("send nothing", send(client, "", 0, 0));
    say_call("recv nothing", recv(client, data, sizeof data, 0));
    say_call("write", write(client, "abc", 3));
    say_call("read", read(client, data, sizeof data));
    finish(thread);
    MUST(close(server) == 0);
    say_call("send to nobody", send(client, "x", 1, 0));
    say_call("recv of the refusal", recv(client, data, sizeof data, 0));
    set_timeout(client, SO_RCVTIMEO, 30);
    say_call("recv after it", recv(client, data, sizeof data, 0));
    static char large[70000];
    say_call("too large", send(client, large, sizeof large, 0));
    return 0;
}
