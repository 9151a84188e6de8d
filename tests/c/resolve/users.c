// Users, groups and services, looked up by threads: the same answers as without them.
#include "oracle.h"

#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <resolv.h>
#include <shadow.h>

static void *look_up(void *unused)
{
    char buffer[4096];
    struct passwd user, *found = NULL;
    struct group group, *found_group = NULL;
    struct servent service, *found_service = NULL;
    gid_t groups[100];
    int count = 100;
    say("root: %u", getpwnam("root") ? getpwnam("root")->pw_uid : 1);
    say("0: %s", getpwuid(0) ? getpwuid(0)->pw_name : "-");
    say("no such user: %d", getpwnam("greenlet-nobody") == NULL);
    say_error("getpwnam_r", getpwnam_r("root", &user, buffer, sizeof buffer, &found));
    say("found: %s", found ? found->pw_name : "-");
    say_error("too small", getpwuid_r(0, &user, buffer, 1, &found));
    say_error("getgrnam_r", getgrnam_r("root", &group, buffer, sizeof buffer, &found_group));
    say("found: %s", found_group ? found_group->gr_name : "-");
    say_error("getgrgid_r", getgrgid_r(0, &group, buffer, sizeof buffer, &found_group));
    say("0: %s", getgrgid(0) ? getgrgid(0)->gr_name : "-");
    say("groups: %d", getgrouplist("root", 0, groups, &count) == count);
    say_error("getservbyname_r", getservbyname_r("ftp", "tcp", &service, buffer, sizeof buffer, &found_service));
    say("found: %d", found_service ? ntohs(found_service->s_port) : 0);
    struct servent *port = getservbyport(htons(21), "tcp");
    say("21: %s", port ? port->s_name : "-");
    say("no such name in the shadow: %d", getspnam("greenlet-nobody") == NULL);
    return unused;
}

int main(void)
{
    begin();
    for (int i = 0; i < 2; i++)
        finish(start(look_up, NULL));
    return 0;
}
