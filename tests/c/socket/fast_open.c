// sendto with MSG_FASTOPEN connects and sends, and waits for the connection where the kernel has no cookie yet.
#include "oracle.h"

static uint16_t port;

static void *body(void *listener)
{
    struct sockaddr_in address = loopback(port);
    char data[10] = "";
    for (int i = 0; i < 3; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (i < 2) {
            say_call("sendto", sendto(fd, "hello", 5, MSG_FASTOPEN, (struct sockaddr *)&address, sizeof address));
        } else {
            struct iovec part = {"hello", 5};
            struct msghdr message = {&address, sizeof address, &part, 1, NULL, 0, 0};
            say_call("sendmsg", sendmsg(fd, &message, MSG_FASTOPEN));
        }
        int other = accept((int)(intptr_t)listener, NULL, NULL);
        say_call("recv", recv(other, data, sizeof data, 0));
        say("%s", data);
        MUST(close(fd) == 0 && close(other) == 0);
    }
    struct sockaddr_in nobody = loopback(1);
    say_call("to nobody", sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN, (struct sockaddr *)&nobody, sizeof nobody));
    return NULL;
}

int main(void)
{
    begin();
    int listener = tcp_listener(5);
    port = port_of(listener);
    finish(start(body, (void *)(intptr_t)listener));
    return 0;
}
