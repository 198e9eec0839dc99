/*
 * wait-for SECONDS file PATH
 * wait-for SECONDS engine [PID]
 *
 * Waits until a file is there, or until the engine answers /_ping on its
 * socket. Fails when the time is over, or as soon as the process PID is gone.
 * A program, because a shell that looks every few milliseconds takes a whole
 * emulated CPU from those it waits for.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int engine_answers(void)
{
	static const char request[] = "GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n";
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/var/run/docker.sock" };
	/* The engine accepts early and answers late: wait with it, but not for ever. */
	struct timeval patience = { .tv_sec = 5 };
	char answer[16] = "";
	int found = 0;
	int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connection < 0)
		return 0;
	setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(connection, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    write(connection, request, sizeof(request) - 1) == (ssize_t)sizeof(request) - 1 &&
	    read(connection, answer, sizeof(answer) - 1) > 0)
		found = strstr(answer, " 200") != NULL;
	close(connection);
	return found;
}

int main(int argc, char **argv)
{
	struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	struct timespec now;
	time_t end;
	pid_t pid = 0;
	const char *path = NULL;

	if (argc == 4 && strcmp(argv[2], "file") == 0) {
		path = argv[3];
	} else if ((argc == 3 || argc == 4) && strcmp(argv[2], "engine") == 0) {
		if (argc == 4)
			pid = (pid_t)atol(argv[3]);
	} else {
		fprintf(stderr, "usage: wait-for SECONDS file PATH | wait-for SECONDS engine [PID]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + atol(argv[1]);
	while (path != NULL ? access(path, F_OK) != 0 : !engine_answers()) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec >= end || (pid > 0 && kill(pid, 0) != 0))
			return 1;
		nanosleep(&pause, NULL);
	}
	return 0;
}
