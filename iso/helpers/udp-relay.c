/*
 * udp-relay ADDRESS PORT
 *
 * Carries datagrams between its own input and output and a UDP port, because
 * SSH carries streams alone. It begins with "UDP1". Then follow frames, both
 * ways: the number of a client (4 bytes), a length (2 bytes), both in network
 * order, and the datagram. Each client has a socket of its own, so that the
 * answers find their way; it is closed when it was idle for two minutes. What
 * cannot be passed on at once is lost, as datagrams are.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 1024, IDLE_SECONDS = 120, HEADER = 6, MAX_DATAGRAM = 65535, IN_A_ROW = 32 };

struct client {
	uint32_t number;
	time_t used;
};

/* The first place of `sockets` is our input; clients[i] belongs to sockets[i]. */
static struct pollfd sockets[MAX_CLIENTS + 1];
static struct client clients[MAX_CLIENTS + 1];
static int count = 1;
static struct sockaddr_storage target;
static socklen_t target_size;

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void forget(int place)
{
	close(sockets[place].fd);
	count--;
	sockets[place] = sockets[count];
	clients[place] = clients[count];
}

static void forget_idle(void)
{
	time_t now = seconds();

	for (int place = count - 1; place > 0; place--)
		if (now - clients[place].used > IDLE_SECONDS)
			forget(place);
}

static int longest_idle(void)
{
	int found = 1;

	for (int place = 2; place < count; place++)
		if (clients[place].used < clients[found].used)
			found = place;
	return found;
}

/* Its socket, made if there is none; -1 if that fails. */
static int socket_of(uint32_t number)
{
	int place, made;

	for (place = 1; place < count; place++) {
		if (clients[place].number == number) {
			clients[place].used = seconds();
			return sockets[place].fd;
		}
	}
	if (count > MAX_CLIENTS)
		forget(longest_idle());
	made = socket(target.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made < 0)
		return -1;
	if (connect(made, (struct sockaddr *)&target, target_size) != 0) {
		close(made);
		return -1;
	}
	sockets[count] = (struct pollfd){ .fd = made, .events = POLLIN };
	clients[count] = (struct client){ .number = number, .used = seconds() };
	count++;
	return made;
}

static int write_all(const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(STDOUT_FILENO, data, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -1;
		data += done;
		size -= (size_t)done;
	}
	return 0;
}

/* Passes on what has come whole; -1 at the end of the input. */
static int take_input(void)
{
	static uint8_t input[4 * (HEADER + MAX_DATAGRAM)];
	static size_t have;
	size_t begin = 0;
	ssize_t got = read(STDIN_FILENO, input + have, sizeof(input) - have);

	if (got < 0 && errno == EINTR)
		return 0;
	if (got <= 0)
		return -1;
	have += (size_t)got;
	while (have - begin >= HEADER) {
		uint32_t number;
		uint16_t length;
		int its_socket;

		memcpy(&number, input + begin, sizeof(number));
		memcpy(&length, input + begin + sizeof(number), sizeof(length));
		length = ntohs(length);
		if (have - begin < HEADER + (size_t)length)
			break;
		its_socket = socket_of(ntohl(number));
		/* An error is of this datagram, or of the one before: both are lost, no more. */
		if (its_socket >= 0 && send(its_socket, input + begin + HEADER, length, 0) < 0 && errno == ECONNREFUSED)
			send(its_socket, input + begin + HEADER, length, 0);
		begin += HEADER + (size_t)length;
	}
	have -= begin;
	memmove(input, input + begin, have);
	return 0;
}

static int take_answers(int place)
{
	static uint8_t frame[HEADER + MAX_DATAGRAM];
	uint32_t number = htonl(clients[place].number);

	for (int i = 0; i < IN_A_ROW; i++) {
		ssize_t got = recv(sockets[place].fd, frame + HEADER, MAX_DATAGRAM, 0);
		uint16_t length = htons((uint16_t)got);

		if (got < 0)
			return 0;
		clients[place].used = seconds();
		memcpy(frame, &number, sizeof(number));
		memcpy(frame + sizeof(number), &length, sizeof(length));
		if (write_all(frame, HEADER + (size_t)got) != 0)
			return -1;
	}
	return 0;
}

static int set_target(const char *address, uint16_t port)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&target;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&target;

	if (inet_pton(AF_INET, address, &ipv4->sin_addr) == 1) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons(port);
		target_size = sizeof(*ipv4);
		return 0;
	}
	if (inet_pton(AF_INET6, address, &ipv6->sin6_addr) == 1) {
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons(port);
		target_size = sizeof(*ipv6);
		return 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	if (argc != 3 || set_target(argv[1], (uint16_t)atoi(argv[2])) != 0) {
		fprintf(stderr, "usage: udp-relay ADDRESS PORT\n");
		return 2;
	}
	sockets[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	if (write_all((const uint8_t *)"UDP1", 4) != 0)
		return 1;
	for (;;) {
		int ready = poll(sockets, (nfds_t)count, 10 * 1000);

		if (ready < 0 && errno != EINTR)
			return 1;
		if (ready <= 0) {
			forget_idle();
			continue;
		}
		for (int place = count - 1; place > 0; place--)
			if (sockets[place].revents != 0 && take_answers(place) != 0)
				return 0;
		if (sockets[0].revents != 0 && take_input() != 0)
			return 0;
	}
}
