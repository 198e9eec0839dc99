/*
 * host-clock
 *
 * Sets the clock when this machine has stood still: saved, paused, or gone back to a snapshot. The
 * hypervisor's clock in hardware has gone on then, and Linux' own has not. A difference that was
 * there before stays: NTP knows better. Reads from /sys, for /dev/rtc0 takes one reader alone.
 */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* Clocks are read in whole seconds. */
enum { TOLERATED_SECONDS = 2 };
/* 2024-01-01: hardware that says less has lost its time. */
static const long long earliest = 1704067200;

static int hardware_seconds(int file, long long *seconds)
{
	char text[32];
	ssize_t size = pread(file, text, sizeof(text) - 1, 0);

	if (size <= 0)
		return -1;
	text[size] = '\0';
	*seconds = atoll(text);
	return 0;
}

static int is_more(long long seconds)
{
	return llabs(seconds) > TOLERATED_SECONDS;
}

int main(void)
{
	const struct timespec pause = { .tv_nsec = 500 * 1000 * 1000 };
	int file = open("/sys/class/rtc/rtc0/since_epoch", O_RDONLY | O_CLOEXEC);
	/* By the hardware's clock: when this machine began to run, and how far Linux' is behind. */
	long long start = 0, ahead = 0;
	int is_first = 1;

	if (file < 0) {
		perror("host-clock: /sys/class/rtc/rtc0/since_epoch");
		return 1;
	}
	for (;; nanosleep(&pause, NULL)) {
		struct timespec running, now;
		long long hardware, start_now, ahead_now;

		if (hardware_seconds(file, &hardware) != 0 || hardware < earliest)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &running);
		clock_gettime(CLOCK_REALTIME, &now);
		start_now = hardware - running.tv_sec;
		ahead_now = hardware - now.tv_sec;
		if (is_first || is_more(start_now - start)) {
			/* Somebody may have been quicker, and have set it already. */
			if (!is_first && is_more(ahead_now) && is_more(ahead_now - ahead)) {
				now.tv_sec += (time_t)(ahead_now - ahead);
				clock_settime(CLOCK_REALTIME, &now);
				ahead_now = ahead;
			}
			start = start_now;
		}
		ahead = ahead_now;
		is_first = 0;
	}
}
