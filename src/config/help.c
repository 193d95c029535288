/* SPDX-License-Identifier: MIT */
/*
 * The text of -h. Completions are made from its lines that begin with four spaces and an
 * option: each describes one option in one line.
 */
#include <stdio.h>

#include "api_url.h"
#include "config/options.h"
#include "option_table.h"

void options_print_help(void)
{
	(void)fputs(
		"Usage: gladiafs [-o OPTION[,OPTION...]] [-f] [-v] [-d] [SOURCE] "
		"MOUNTPOINT\n"
		"       gladiafs --check [--api] [-o OPTION[,OPTION...]] [SOURCE | "
		"MOUNTPOINT]\n"
		"       gladiafs --refresh PATH...\n"
		"       gladiafs --fetch PATH...\n"
		"       gladiafs --cache[=clean|=clean-all] [-o cache_dir=PATH]\n"
		"       mount.gladiafs SOURCE MOUNTPOINT [-fnsv] [-o "
		"OPTION[,OPTION...]]\n"
		"\n"
		"Mounts the transcription jobs of a Gladia account as files.\n"
		"\n"
		"  gladiafs ~/gladia              mount, with the API key from "
		"~/.gladia\n"
		"  gladiafs -o ttl=5m ~/gladia    mount, with an option\n"
		"  gladiafs work ~/work           mount with "
		"~/.config/gladiafs/work.conf\n"
		"  fusermount3 -u ~/gladia        unmount\n"
		"  gladiafs --check               find out why mounting fails\n"
		"\n"
		"SOURCE is the name of a profile (NAME.conf in ~/.config/gladiafs or "
		"/etc/gladiafs),\n"
		"or the API URL, https://HOST[:PORT] (http:// only for loopback "
		"addresses). Without\n"
		"it, or with \"gladia\" or \"none\", the API URL is $GLADIA_API_URL, or "
		"else\n" SOURCE_DEFAULT ".\n"
		"\n"
		"    -f                   stay in the foreground\n"
		"    -v                   log each request to the API\n"
		"    -d                   log also each call of the kernel (implies -f)\n"
		"    --check              check everything that a mount needs, or a "
		"mount\n"
		"    --api                with --check: ask the API what is not known "
		"about it\n"
		"    --refresh            refresh the directories when they are read "
		"again\n"
		"    --fetch              fetch all jobs of the directories into the "
		"cache\n"
		"    --cache              list the caches, or remove those not used for "
		"90 "
		"days or all\n"
		"    -h, --help           print this help\n"
		"    -V, --version        print the versions of gladiafs and its "
		"libraries\n"
		"\n"
		"Options of -o, with their defaults:\n",
		stdout);
	option_table_print_help();
	(void)fputs(
		"\nOptions that mount(8) passes on (rw, ro, noauto, user, nodev, nosuid, "
		"x-...) are\naccepted, and so are fsname=NAME and nonempty.\n",
		stdout);
}
