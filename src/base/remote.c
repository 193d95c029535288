/* SPDX-License-Identifier: MIT */
#include "base/remote.h"

#include <errno.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/vfs.h>

#include "base/array.h"

/* Filesystem types from statfs(2) that linux/magic.h does not define. */
enum {
	BEEGFS_MAGIC = 0x19830326,
	GFS2_MAGIC = 0x01161970,
	GPFS_SUPER_MAGIC = 0x47504653,
	LUSTRE_SUPER_MAGIC = 0x0bd00bd0,
	ORANGEFS_SUPER_MAGIC = 0x20030528,
	VBOXSF_MAGIC = 0x786f4256,
};

int remote_type(int fd, const char **ret_name)
{
	static const struct {
		uint32_t magic;
		const char *name;
	} types[] = {
		{AFS_SUPER_MAGIC, "AFS"},
		{AFS_FS_MAGIC, "AFS"},
		{BEEGFS_MAGIC, "BeeGFS"},
		{CEPH_SUPER_MAGIC, "Ceph"},
		{CIFS_SUPER_MAGIC, "SMB"},
		{CODA_SUPER_MAGIC, "Coda"},
		{FUSE_SUPER_MAGIC, "FUSE"},
		{GFS2_MAGIC, "GFS2"},
		{GPFS_SUPER_MAGIC, "GPFS"},
		{LUSTRE_SUPER_MAGIC, "Lustre"},
		{NFS_SUPER_MAGIC, "NFS"},
		{OCFS2_SUPER_MAGIC, "OCFS2"},
		{ORANGEFS_SUPER_MAGIC, "OrangeFS"},
		{SMB2_SUPER_MAGIC, "SMB"},
		{SMB_SUPER_MAGIC, "SMB"},
		{V9FS_MAGIC, "9P"},
		{VBOXSF_MAGIC, "vboxsf"},
	};
	struct statfs system;

	if (fstatfs(fd, &system) < 0)
		return -errno;
	*ret_name = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((uint32_t)system.f_type == types[i].magic)
			*ret_name = types[i].name;
	return 0;
}
