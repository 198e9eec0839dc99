/* A program of Windows that runs the program of the same name of the system below Wine, and carries
   its three streams. Wine starts such programs, but gives no handle of their processes: so this one
   stands for it. unix.py, beside it, is the other half, and says what goes between the two. */
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef NTSTATUS (WINAPI *spawn_t)(char *const argv[], int wait);
typedef char *(WINAPI *unix_name_t)(LPCWSTR path);

static SOCKET peer;

static int die(const char *words)
{
    fprintf(stderr, "%s\n", words);
    return 126;
}

static DWORD WINAPI carry_input(void *unused)
{
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    char data[4096];
    DWORD count;
    while (ReadFile(input, data, sizeof data, &count, NULL) && count)
        if (send(peer, data, count, 0) == SOCKET_ERROR)
            return 0;
    shutdown(peer, SD_SEND);
    return 0;
}

static int take(char *to, int count)
{
    int done = 0;
    while (done < count) {
        int got = recv(peer, to + done, count - done, 0);
        if (got <= 0)
            return 0;
        done += got;
    }
    return 1;
}

/* In UTF-8, whatever the code page. */
static char *utf8(const wchar_t *text)
{
    int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *result = malloc(size);
    WideCharToMultiByte(CP_UTF8, 0, text, -1, result, size, NULL, NULL);
    return result;
}

static int listen_for_the_other_half(SOCKET *server, int *port)
{
    struct sockaddr_in address = {0};
    int size = sizeof address;
    *server = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(*server, (struct sockaddr *)&address, size) || listen(*server, 1))
        return 0;
    getsockname(*server, (struct sockaddr *)&address, &size);
    *port = ntohs(address.sin_port);
    return 1;
}

int main(void)
{
    HMODULE kernel32 = GetModuleHandleA("kernel32.dll");
    spawn_t spawn = (spawn_t)GetProcAddress(GetModuleHandleA("ntdll.dll"), "__wine_unix_spawnvp");
    unix_name_t unix_name = (unix_name_t)GetProcAddress(kernel32, "wine_get_unix_file_name");
    wchar_t path[MAX_PATH], **arguments, *base;
    int count, port, n = 0;
    char text[16], **words;
    SOCKET server;
    WSADATA data;

    if (!spawn || !unix_name)
        return die("this is not Wine");
    WSAStartup(MAKEWORD(2, 2), &data);
    if (!listen_for_the_other_half(&server, &port))
        return die("no port for the other half");
    arguments = CommandLineToArgvW(GetCommandLineW(), &count);
    words = calloc(count + 8, sizeof *words);
    GetModuleFileNameW(NULL, path, MAX_PATH);
    base = wcsrchr(path, '\\');
    *base++ = 0;
    if (wcsrchr(base, '.'))
        *wcsrchr(base, '.') = 0;
    sprintf(text, "%d", port);
    words[n++] = "/usr/bin/python3";
    words[n++] = strcat(strcpy(calloc(1, 4096), unix_name(path)), "/unix.py");
    words[n++] = text;
    words[n++] = utf8(base);
    for (int i = 1; i < count; i++)
        words[n++] = utf8(arguments[i]);
    if (spawn(words, 0))
        return die("it cannot be started");
    peer = accept(server, NULL, NULL);
    CreateThread(NULL, 0, carry_input, NULL, 0, NULL);
    for (;;) {
        unsigned char head[5];
        char *body;
        int length;
        DWORD written;
        if (!take((char *)head, sizeof head))
            return 125;
        length = head[1] << 24 | head[2] << 16 | head[3] << 8 | head[4];
        if (head[0] == 'x')
            ExitProcess(length);
        if (!length)
            continue;
        body = malloc(length);
        if (!take(body, length))
            return 125;
        WriteFile(GetStdHandle(head[0] == 'o' ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE),
                  body, length, &written, NULL);
        free(body);
    }
}
