/*
 * virtualbox-guest shares        prints the names of the shared folders
 * virtualbox-guest follow-clock  keeps the clock within two seconds of the host's
 *
 * Debian has the kernel's side of VirtualBox's guest support, but no package
 * with the programs; these are the two things of them that the image needs.
 * It talks to /dev/vboxguest, whose calls are in <linux/vboxguest.h>.
 */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vboxguest.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* The shared folder service of the host: function numbers, and its records. */
enum { QUERY_MAPPINGS = 1, QUERY_NAME = 2 };
enum { MAX_FOLDERS = 64, MAX_NAME = 256 };

struct mapping {
	uint32_t status;
	uint32_t root;
};

struct folder_name {
	uint16_t size;   /* bytes of room in text */
	uint16_t length; /* bytes used */
	uint16_t text[MAX_NAME];
};

/* A call with up to three parameters; the size in the ioctl number counts. */
struct call {
	struct vbg_ioctl_hgcm_call head;
	struct vmmdev_hgcm_function_parameter64 parameters[3];
};

static int device;

static void fill_header(struct vbg_ioctl_hdr *header, size_t in, size_t out)
{
	memset(header, 0, sizeof(*header));
	header->size_in = (uint32_t)in;
	header->size_out = (uint32_t)out;
	header->version = VBG_IOCTL_HDR_VERSION;
	header->type = VBG_IOCTL_HDR_TYPE_DEFAULT;
}

static int connect_service(uint32_t *client)
{
	struct vbg_ioctl_hgcm_connect request;

	memset(&request, 0, sizeof(request));
	fill_header(&request.hdr, sizeof(request.hdr) + sizeof(request.u.in), sizeof(request.hdr) + sizeof(request.u.out));
	request.u.in.loc.type = VMMDEV_HGCM_LOC_LOCALHOST_EXISTING;
	strcpy(request.u.in.loc.u.localhost.service_name, "VBoxSharedFolders");
	if (ioctl(device, VBG_IOCTL_HGCM_CONNECT, &request) != 0 || request.hdr.rc < 0)
		return -1;
	*client = request.u.out.client_id;
	return 0;
}

static int call_service(struct call *call, uint32_t client, uint32_t function, uint16_t count)
{
	size_t size = sizeof(call->head) + count * sizeof(call->parameters[0]);

	fill_header(&call->head.hdr, size, size);
	call->head.client_id = client;
	call->head.function = function;
	call->head.timeout_ms = 10000;
	call->head.interruptible = 0;
	call->head.parm_count = count;
	if (ioctl(device, VBG_IOCTL_HGCM_CALL_64(size), call) != 0)
		return -1;
	return call->head.hdr.rc < 0 ? -1 : 0;
}

static void set_number(struct vmmdev_hgcm_function_parameter64 *parameter, uint32_t value)
{
	parameter->type = VMMDEV_HGCM_PARM_TYPE_32BIT;
	parameter->u.value32 = value;
}

static void set_buffer(struct vmmdev_hgcm_function_parameter64 *parameter, void *buffer, uint32_t size)
{
	parameter->type = VMMDEV_HGCM_PARM_TYPE_LINADDR;
	parameter->u.pointer.size = size;
	parameter->u.pointer.u.linear_addr = (uintptr_t)buffer;
}

/* The host speaks UTF-16. */
static void print_name(const struct folder_name *name)
{
	size_t units = name->length / 2;

	for (size_t i = 0; i < units && i < MAX_NAME && name->text[i] != 0; i++) {
		uint32_t code = name->text[i];

		if (code >= 0xd800 && code < 0xdc00 && i + 1 < units)
			code = 0x10000 + ((code - 0xd800) << 10) + (name->text[++i] - 0xdc00u);
		if (code < 0x80) {
			putchar((int)code);
		} else if (code < 0x800) {
			putchar((int)(0xc0 | code >> 6));
			putchar((int)(0x80 | (code & 0x3f)));
		} else if (code < 0x10000) {
			putchar((int)(0xe0 | code >> 12));
			putchar((int)(0x80 | (code >> 6 & 0x3f)));
			putchar((int)(0x80 | (code & 0x3f)));
		} else {
			putchar((int)(0xf0 | code >> 18));
			putchar((int)(0x80 | (code >> 12 & 0x3f)));
			putchar((int)(0x80 | (code >> 6 & 0x3f)));
			putchar((int)(0x80 | (code & 0x3f)));
		}
	}
	putchar('\n');
}

static int print_shares(void)
{
	static struct mapping mappings[MAX_FOLDERS];
	struct folder_name name;
	struct call call;
	uint32_t client, count;

	if (connect_service(&client) != 0) {
		fprintf(stderr, "virtualbox-guest: the host offers no shared folders\n");
		return 1;
	}
	memset(&call, 0, sizeof(call));
	set_number(&call.parameters[0], 0);
	set_number(&call.parameters[1], MAX_FOLDERS);
	set_buffer(&call.parameters[2], mappings, sizeof(mappings));
	if (call_service(&call, client, QUERY_MAPPINGS, 3) != 0) {
		fprintf(stderr, "virtualbox-guest: the host does not list its shared folders\n");
		return 1;
	}
	count = call.parameters[1].u.value32;
	for (uint32_t i = 0; i < count && i < MAX_FOLDERS; i++) {
		memset(&call, 0, sizeof(call));
		memset(&name, 0, sizeof(name));
		name.size = sizeof(name.text);
		set_number(&call.parameters[0], mappings[i].root);
		set_buffer(&call.parameters[1], &name, sizeof(name));
		if (call_service(&call, client, QUERY_NAME, 2) == 0)
			print_name(&name);
	}
	return 0;
}

static int host_milliseconds(int64_t *milliseconds)
{
	struct {
		struct vbg_ioctl_hdr header;
		uint64_t time;
	} request;

	fill_header(&request.header, sizeof(request), sizeof(request));
	request.header.type = VMMDEVREQ_GET_HOST_TIME;
	request.time = 0;
	if (ioctl(device, VBG_IOCTL_VMMDEV_REQUEST(sizeof(request)), &request) != 0 || request.header.rc < 0)
		return -1;
	*milliseconds = (int64_t)request.time;
	return 0;
}

/* Soon after a host has slept the clock is far behind: look often. */
static int follow_clock(void)
{
	for (;; sleep(10)) {
		struct timespec now;
		int64_t host, difference;

		if (host_milliseconds(&host) != 0) {
			fprintf(stderr, "virtualbox-guest: the host does not tell its time\n");
			return 1;
		}
		clock_gettime(CLOCK_REALTIME, &now);
		difference = host - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
		if (difference > 2000 || difference < -2000) {
			now.tv_sec = (time_t)(host / 1000);
			now.tv_nsec = (long)(host % 1000) * 1000000;
			clock_settime(CLOCK_REALTIME, &now);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 2 || (strcmp(argv[1], "shares") != 0 && strcmp(argv[1], "follow-clock") != 0)) {
		fprintf(stderr, "usage: virtualbox-guest shares|follow-clock\n");
		return 2;
	}
	device = open("/dev/vboxguest", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		fprintf(stderr, "virtualbox-guest: /dev/vboxguest: %s\n", strerror(errno));
		return 1;
	}
	return strcmp(argv[1], "shares") == 0 ? print_shares() : follow_clock();
}
