/*
 * name-server [--port PORT] HOST_FILE ADDRESS... -- SERVERS_FILE...
 *
 * Answers questions for names at each ADDRESS, by UDP and TCP. host.docker.internal
 * has the IPv4 address that stands in HOST_FILE, if it holds one; every other
 * question goes, byte for byte, to a name server, and its answer back. Servers are
 * those of the first SERVERS_FILE that names any, in the form of resolv.conf(5);
 * files are read anew for each question, so a new lease counts at once. A server
 * that does not answer, or says that it cannot, is followed by the next.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_ADDRESSES = 4,
	MAX_SERVERS = 8,
	MAX_QUESTIONS = 512,
	MAX_STREAMS = 32,
	MAX_MESSAGE = 65535,
	MAX_QUESTION = 1500,
	HEADER = 12,
	SERVER_MS = 2500,
	STREAM_SECONDS = 30,
	IN_A_ROW = 32,
};

/* As it stands in a message: each part behind its length. */
static const uint8_t our_name[] = "\4host\6docker\10internal";
static const char *host_file;
static char **servers_files;
static const char *port = "53";
static char *addresses[MAX_ADDRESSES];
static int address_count;

struct server {
	struct sockaddr_storage address;
	socklen_t size;
};

/* A question that a server is to answer; sockets[first_question + i] belongs to questions[i]. */
struct question {
	int listener;
	struct sockaddr_storage client;
	socklen_t client_size;
	int next_server;
	long long until_ms;
	size_t size;
	uint8_t message[MAX_QUESTION];
};

static struct pollfd sockets[2 * MAX_ADDRESSES + MAX_QUESTIONS];
static struct question questions[MAX_QUESTIONS];
static int first_question, question_count, stream_count;

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int parse_address(const char *text, const char *service, struct server *found)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list;

	if (getaddrinfo(text, service, &hints, &list) != 0)
		return -1;
	memcpy(&found->address, list->ai_addr, list->ai_addrlen);
	found->size = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

static int is_ours(const char *text)
{
	for (int i = 0; i < address_count; i++)
		if (strcmp(text, addresses[i]) == 0)
			return 1;
	return 0;
}

/* The number of servers found, of a file alone. */
static int read_servers(const char *path, struct server *found)
{
	char line[256], text[64], service[8] = "53";
	FILE *file = fopen(path, "re");
	int count = 0;

	if (!file)
		return 0;
	while (count < MAX_SERVERS && fgets(line, sizeof(line), file))
		/* A port of its own is for tests alone. */
		if (sscanf(line, " nameserver %63[^ \t\n#] port %7[0-9]", text, service) >= 1 && !is_ours(text) &&
		    parse_address(text, service, &found[count]) == 0)
			count++;
	fclose(file);
	return count;
}

static int servers(struct server *found)
{
	for (char **path = servers_files; *path; path++) {
		int count = read_servers(*path, found);

		if (count > 0)
			return count;
	}
	return 0;
}

static int host_address(struct in_addr *found)
{
	char text[64] = "";
	FILE *file = fopen(host_file, "re");
	int is_there = file && fscanf(file, "%63s", text) == 1 && inet_pton(AF_INET, text, found) == 1;

	if (file)
		fclose(file);
	return is_there;
}

/*
 * Makes the question the answer, if it is one for our name and we have an address;
 * its new size, or 0. There is room for 16 bytes more.
 */
static size_t answer_ourselves(uint8_t *message, size_t size)
{
	static const uint8_t about_the_name[] = { 0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4 };
	size_t end = HEADER + sizeof(our_name) + 4;
	struct in_addr address;
	int is_ipv4;

	/* One question, of the ordinary kind. */
	if (size < end || (message[2] & 0xf8) != 0 || message[4] != 0 || message[5] != 1)
		return 0;
	for (size_t i = 0; i < sizeof(our_name); i++)
		if (tolower(message[HEADER + i]) != our_name[i])
			return 0;
	if (message[end - 2] != 0 || message[end - 1] != 1 || !host_address(&address))
		return 0;
	is_ipv4 = message[end - 4] == 0 && message[end - 3] == 1;
	message[2] = 0x84 | (message[2] & 1);
	message[3] = 0x80;
	memset(message + 6, 0, HEADER - 6);
	if (!is_ipv4)
		return end;
	message[7] = 1;
	memcpy(message + end, about_the_name, sizeof(about_the_name));
	memcpy(message + end + sizeof(about_the_name), &address, sizeof(address));
	return end + sizeof(about_the_name) + sizeof(address);
}

/* SERVFAIL, NOTIMP, REFUSED: another server may know better. */
static int is_refusal(const uint8_t *message)
{
	int code = message[3] & 0x0f;

	return code == 2 || code == 4 || code == 5;
}

static void forget(int place)
{
	int last = question_count - 1;

	close(sockets[first_question + place].fd);
	if (place != last) {
		questions[place] = questions[last];
		sockets[first_question + place] = sockets[first_question + last];
	}
	question_count--;
}

/* Asks the next server there is; -1 when there is none. */
static int ask_next(int place)
{
	struct server found[MAX_SERVERS];
	struct question *question = &questions[place];
	struct pollfd *its = &sockets[first_question + place];
	int count = servers(found);

	while (question->next_server < count) {
		struct server *server = &found[question->next_server++];

		if (its->fd >= 0)
			close(its->fd);
		/* Connected, so that nobody else can answer; its port is chosen by chance. */
		its->fd = socket(server->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		its->revents = 0;
		if (its->fd < 0 || connect(its->fd, (struct sockaddr *)&server->address, server->size) != 0)
			continue;
		if (send(its->fd, question->message, question->size, 0) == (ssize_t)question->size) {
			question->until_ms = now_ms() + SERVER_MS;
			return 0;
		}
	}
	return -1;
}

static void take_questions(int listener)
{
	static uint8_t message[MAX_MESSAGE + 16];

	for (int i = 0; i < IN_A_ROW; i++) {
		struct question *question;
		struct sockaddr_storage client;
		socklen_t client_size = sizeof(client);
		ssize_t got = recvfrom(listener, message, MAX_MESSAGE, 0, (struct sockaddr *)&client, &client_size);
		size_t answer;

		if (got < 0)
			return;
		answer = answer_ourselves(message, (size_t)got);
		if (answer > 0) {
			sendto(listener, message, answer, 0, (struct sockaddr *)&client, client_size);
			continue;
		}
		if (got < HEADER || got > MAX_QUESTION || (message[2] & 0x80) != 0 || question_count == MAX_QUESTIONS)
			continue; /* as a datagram that is lost: it is asked again */
		question = &questions[question_count];
		question->listener = listener;
		question->client = client;
		question->client_size = client_size;
		question->next_server = 0;
		question->size = (size_t)got;
		memcpy(question->message, message, (size_t)got);
		sockets[first_question + question_count] = (struct pollfd){ .fd = -1, .events = POLLIN };
		question_count++;
		if (ask_next(question_count - 1) != 0)
			forget(question_count - 1);
	}
}

static void take_answer(int place)
{
	static uint8_t message[MAX_MESSAGE];
	struct question *question = &questions[place];
	ssize_t got = recv(sockets[first_question + place].fd, message, sizeof(message), 0);
	int is_answer = got >= HEADER && memcmp(message, question->message, 2) == 0;

	if (got < 0 && errno == EAGAIN)
		return;
	if (got >= 0 && !is_answer)
		return; /* of another question, or no message at all: the right one may come yet */
	if ((got < 0 || is_refusal(message)) && ask_next(place) == 0)
		return;
	if (got >= 0)
		sendto(question->listener, message, (size_t)got, 0, (struct sockaddr *)&question->client,
		       question->client_size);
	forget(place);
}

static int read_all(int from, uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t done = read(from, data, size);

		if (done <= 0)
			return -1;
		data += done;
		size -= (size_t)done;
	}
	return 0;
}

/* A message in a stream stands behind its length; the size of it, or 0 at the end. */
static size_t read_message(int from, uint8_t *message)
{
	uint8_t length[2];
	size_t size;

	if (read_all(from, length, 2) != 0)
		return 0;
	size = (size_t)length[0] << 8 | length[1];
	return size >= HEADER && read_all(from, message, size) == 0 ? size : 0;
}

static int write_message(int to, const uint8_t *message, size_t size)
{
	static uint8_t frame[2 + MAX_MESSAGE];

	frame[0] = (uint8_t)(size >> 8);
	frame[1] = (uint8_t)size;
	memcpy(frame + 2, message, size);
	return send(to, frame, size + 2, MSG_NOSIGNAL) == (ssize_t)(size + 2) ? 0 : -1;
}

/* The size of the answer, which takes the place of the question; 0 when no server gives any. */
static size_t answer_of_server(uint8_t *message, size_t size)
{
	static uint8_t question[MAX_MESSAGE];
	struct server found[MAX_SERVERS];
	struct timeval patience = { .tv_sec = SERVER_MS / 1000, .tv_usec = SERVER_MS % 1000 * 1000 };
	int count = servers(found);
	size_t got = 0;

	memcpy(question, message, size);
	for (int i = 0; i < count && (got == 0 || is_refusal(message)); i++) {
		int server = socket(found[i].address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (server < 0)
			break;
		setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(server, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (connect(server, (struct sockaddr *)&found[i].address, found[i].size) == 0 &&
		    write_message(server, question, size) == 0)
			got = read_message(server, message);
		close(server);
	}
	return got;
}

static void serve_stream(int client)
{
	static uint8_t message[MAX_MESSAGE + 16];
	size_t size, answer;

	alarm(STREAM_SECONDS);
	while ((size = read_message(client, message)) > 0) {
		answer = answer_ourselves(message, size);
		if (answer == 0)
			answer = answer_of_server(message, size);
		if (answer == 0 || write_message(client, message, answer) != 0)
			return;
	}
}

static void take_stream(int listener)
{
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return;
	if (stream_count < MAX_STREAMS) {
		pid_t child = fork();

		if (child == 0) {
			for (int i = 0; i < first_question + question_count; i++)
				close(sockets[i].fd);
			serve_stream(client);
			_exit(0);
		}
		if (child > 0)
			stream_count++;
	}
	close(client);
}

static int listening(const char *address, int kind)
{
	struct server at;
	int made, yes = 1;

	if (parse_address(address, port, &at) != 0)
		return -1;
	made = socket(at.address.ss_family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made < 0)
		return -1;
	setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(made, (struct sockaddr *)&at.address, at.size) != 0)
		return -1;
	return kind == SOCK_STREAM && listen(made, 16) != 0 ? -1 : made;
}

static int read_arguments(int argc, char **argv)
{
	int next = 1;

	if (argc > 2 && strcmp(argv[1], "--port") == 0) {
		port = argv[2];
		next = 3;
	}
	if (next >= argc)
		return -1;
	for (host_file = argv[next++]; next < argc && strcmp(argv[next], "--") != 0; next++) {
		if (address_count == MAX_ADDRESSES)
			return -1;
		addresses[address_count++] = argv[next];
	}
	if (address_count == 0 || next >= argc)
		return -1;
	servers_files = argv + next + 1;
	return 0;
}

int main(int argc, char **argv)
{
	if (read_arguments(argc, argv) != 0) {
		fprintf(stderr, "usage: name-server [--port PORT] HOST_FILE ADDRESS... -- SERVERS_FILE...\n");
		return 2;
	}
	for (int i = 0; i < address_count; i++) {
		sockets[2 * i] = (struct pollfd){ .fd = listening(addresses[i], SOCK_DGRAM), .events = POLLIN };
		sockets[2 * i + 1] = (struct pollfd){ .fd = listening(addresses[i], SOCK_STREAM), .events = POLLIN };
		if (sockets[2 * i].fd < 0 || sockets[2 * i + 1].fd < 0) {
			fprintf(stderr, "name-server: cannot listen at %s: %s\n", addresses[i], strerror(errno));
			return 1;
		}
	}
	first_question = 2 * address_count;
	for (;;) {
		poll(sockets, (nfds_t)(first_question + question_count), question_count > 0 ? 200 : 10 * 1000);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			stream_count--;
		for (int place = question_count - 1; place >= 0; place--) {
			if (sockets[first_question + place].revents != 0)
				take_answer(place);
			else if (now_ms() > questions[place].until_ms && ask_next(place) != 0)
				forget(place);
		}
		for (int i = 0; i < first_question; i++)
			if (sockets[i].revents != 0)
				i % 2 == 0 ? take_questions(sockets[i].fd) : take_stream(sockets[i].fd);
	}
}
