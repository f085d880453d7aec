package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/goaltrack/goaltrack/report"
)

// Explain implements [report.Explainer].
func (s *Store) Explain(err error) report.Why {
	switch {
	case errors.Is(err, ErrNewer):
		return report.Newer
	case errors.Is(err, ErrClosed):
		return report.Closed
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return report.Denied
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return report.Full
	case errors.Is(err, context.DeadlineExceeded):
		return report.Busy
	}
	failed, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return report.Unexplained
	}
	switch failed.Code() & 0xff { // the rest says more about it (https://sqlite.org/rescode.html)
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return report.Damaged
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return report.Busy
	case lib.SQLITE_FULL:
		return report.Full
	case lib.SQLITE_PERM, lib.SQLITE_READONLY, lib.SQLITE_AUTH:
		return report.Denied
	}
	return report.Unexplained
}
