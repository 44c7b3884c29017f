// An HTTP/1.1 server on 127.0.0.1 that holds every request for a known time, and says so to the nanosecond.
//
//   hold_server HOLD_US SLOW_US SLOW_PERMILLE FREEZE_AT_MS FREEZE_MS
//
// It prints "port N", then serves until SIGTERM. An answer tells when its request was received and when it was
// sent (X-Received-Ns, X-Sent-Ns, CLOCK_MONOTONIC) and how long it was meant to be held (X-Hold-Us). With
// FREEZE_MS the whole process sleeps once, FREEZE_AT_MS after the first request, and prints "freeze FROM TO".
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FDS = 65536, BUFFER = 65536, EVENTS = 256 };

typedef struct {
    char *bytes;  // what was received and not yet answered
    int used;
    uint32_t generation;  // a held answer of an earlier connection on the same descriptor is not sent
    int open;
} Connection;

typedef struct {
    uint64_t due_ns, received_ns, hold_us;
    int fd;
    uint32_t generation;
} Held;

static Connection connections[MAX_FDS];
static Held *heap;  // earliest first
static int held, room;
static uint64_t hold_us, slow_us, slow_permille, freeze_at_ns, freeze_ms;
static uint64_t requests, first_ns;
static int epoll_fd, timer_fd, listen_fd;
static volatile sig_atomic_t stopping;

static const char BODY[] =
    "{\"request_id\":\"3f2a9c1e-77aa-4b1f-9a10-000000000001\",\"model\":\"lgbm-2026-11-01\","
    "\"score\":0.0731928374655,\"features\":{\"amt_7d\":12.5,\"cnt_1h\":3,\"avg_basket\":41.23,\"days_since\":17,"
    "\"country\":\"DE\",\"device\":\"ios\",\"hour\":13,\"p_ctr\":0.0123,\"embedding_norm\":1.0032,\"segment\":\"B\"},"
    "\"ts\":1763780000.123}";

static void stop(int signal_number) { (void)signal_number; stopping = 1; }

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void push(Held one) {
    if (held == room) heap = realloc(heap, (room = room ? room * 2 : 1024) * sizeof *heap);
    int i = held++;
    for (int up; i && heap[up = (i - 1) / 2].due_ns > one.due_ns; i = up) heap[i] = heap[up];
    heap[i] = one;
}

static Held pop(void) {
    Held top = heap[0], last = heap[--held];
    int i = 0;
    for (int down; (down = 2 * i + 1) < held; i = down) {
        if (down + 1 < held && heap[down + 1].due_ns < heap[down].due_ns) down++;
        if (heap[down].due_ns >= last.due_ns) break;
        heap[i] = heap[down];
    }
    heap[i] = last;
    return top;
}

static int is_slow(uint64_t number) {  // a hash, so that slow requests come at random, and the same each time
    number = number * 2654435761u + 12345;
    number ^= number >> 33;
    number *= 0xff51afd7ed558ccdull;
    number ^= number >> 33;
    return number % 1000 < slow_permille;
}

static void answer(Held *one) {
    char text[1024];
    int size = snprintf(text, sizeof text,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Received-Ns: %llu\r\nX-Sent-Ns: %llu\r\n"
        "X-Hold-Us: %llu\r\nContent-Length: %zu\r\n\r\n%s",
        (unsigned long long)one->received_ns, (unsigned long long)now_ns(), (unsigned long long)one->hold_us,
        sizeof BODY - 1, BODY);
    send(one->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void freeze_once(void) {
    static int frozen;
    if (frozen || !freeze_ms || !first_ns || now_ns() - first_ns < freeze_at_ns) return;
    frozen = 1;
    uint64_t from = now_ns();
    struct timespec t = {freeze_ms / 1000, (freeze_ms % 1000) * 1000000};
    nanosleep(&t, NULL);
    printf("freeze %llu %llu\n", (unsigned long long)from, (unsigned long long)now_ns());
    fflush(stdout);
}

static void accept_all(void) {
    for (int fd, one = 1; (fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        if (fd >= MAX_FDS) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        Connection *c = &connections[fd];
        if (!c->bytes) c->bytes = malloc(BUFFER);
        c->used = 0; c->generation++; c->open = 1;
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
    }
}

static void take_requests(int fd) {
    Connection *c = &connections[fd];
    int size = recv(fd, c->bytes + c->used, BUFFER - c->used - 1, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) { close(fd); c->open = 0; c->generation++; return; }
    c->used += size;
    for (;;) {
        char *end = memmem(c->bytes, c->used, "\r\n\r\n", 4);
        if (!end) return;
        *end = 0;
        char *length = strcasestr(c->bytes, "content-length:");
        *end = '\r';
        int whole = end + 4 - c->bytes + (length ? atoi(length + 15) : 0);
        if (c->used < whole) return;
        uint64_t now = now_ns();
        if (!first_ns) first_ns = now;
        uint64_t us = is_slow(requests++) ? slow_us : hold_us;
        Held one = {now + us * 1000, now, us, fd, c->generation};
        if (us) push(one); else answer(&one);
        memmove(c->bytes, c->bytes + whole, c->used -= whole);
    }
}

static void arm_timer(void) {
    static uint64_t armed_ns;
    if (!held || heap[0].due_ns == armed_ns) return;
    armed_ns = heap[0].due_ns;
    struct itimerspec at = {.it_value = {armed_ns / 1000000000ull, armed_ns % 1000000000ull}};
    timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static int listening(void) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 4096)) { perror("bind"); exit(1); }
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int count, char **arguments) {
    if (count != 6) { fprintf(stderr, "hold_server HOLD_US SLOW_US SLOW_PERMILLE FREEZE_AT_MS FREEZE_MS\n"); return 64; }
    hold_us = atoll(arguments[1]); slow_us = atoll(arguments[2]); slow_permille = atoll(arguments[3]);
    freeze_at_ns = atoll(arguments[4]) * 1000000ull; freeze_ms = atoll(arguments[5]);
    signal(SIGTERM, stop); signal(SIGINT, stop); signal(SIGPIPE, SIG_IGN);
    epoll_fd = epoll_create1(0);
    listen_fd = listening();
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    for (int i = 0, fds[] = {listen_fd, timer_fd}; i < 2; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fds[i]};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &e);
    }
    struct epoll_event events[EVENTS];
    while (!stopping) {
        arm_timer();
        int n = epoll_wait(epoll_fd, events, EVENTS, 100);
        freeze_once();
        for (int i = 0; i < n; i++) {
            uint64_t expirations;
            int fd = events[i].data.fd;
            if (fd == listen_fd) accept_all();
            else if (fd == timer_fd) { if (read(timer_fd, &expirations, 8) < 0) continue; }
            else take_requests(fd);
        }
        for (uint64_t now = now_ns(); held && heap[0].due_ns <= now;) {
            Held one = pop();
            if (connections[one.fd].open && connections[one.fd].generation == one.generation) answer(&one);
        }
    }
    return 0;
}
