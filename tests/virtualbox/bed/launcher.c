/*
 * Takes the place of VBoxHeadless where there is no kernel driver: starts the same VM process with
 * the CPU interpreted. The real VBoxHeadless is a stub that insists on /dev/vboxdrv.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FOLDER "/usr/lib/virtualbox/"
#define DRIVERLESS_ALLOWED (1 << 3) /* SUPR3INIT_F_DRIVERLESS_IEM_ALLOWED of VirtualBox/sup.h */

static void *load(const char *library)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    if (!handle) {
        fprintf(stderr, "launcher: %s\n", dlerror());
        exit(1);
    }
    return handle;
}

static void *find(void *library, const char *name)
{
    void *function = dlsym(library, name);
    if (!function) {
        fprintf(stderr, "launcher: %s\n", dlerror());
        exit(1);
    }
    return function;
}

int main(int argc, char **argv, char **envp)
{
    void *runtime = load(FOLDER "VBoxRT.so");
    int (*init)(int, char ***, uint32_t) = find(runtime, "RTR3InitExe");
    int (*init_support)(uint32_t, void **) = find(runtime, "SUPR3InitEx");
    void *session = NULL;
    int status = init(argc, &argv, 0);

    if (status >= 0)
        status = init_support(DRIVERLESS_ALLOWED, &session);
    if (status < 0) {
        fprintf(stderr, "launcher: VirtualBox says %d\n", status);
        return 1;
    }
    int (*run)(int, char **, char **) = find(load(FOLDER "VBoxHeadless.so"), "TrustedMain");
    return run(argc, argv, envp);
}
