package sqlite

import "syscall"

// networkFileSystems are the types of file systems of other machines (statfs(2)).
var networkFileSystems = map[int64]string{
	0x6969: "NFS", 0x517b: "SMB", 0xff534d42: "CIFS", 0xfe534d42: "SMB2", 0x01021997: "9P", 0x5346414f: "AFS",
	0x00c36400: "Ceph", 0x0bd00bd0: "Lustre", 0x01161970: "GFS2", 0x7461636f: "OCFS2", 0x564c: "NCP", 0x73757245: "Coda",
}

// networkFileSystem is the type of the file system of a directory, if that is another
// machine's, else "".
func networkFileSystem(dir string) string {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return ""
	}
	return networkFileSystems[int64(uint32(s.Type))] //nolint:gosec // Of 32 bits on some machines, with or without sign.
}
