package postgres

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/goaltrack/goaltrack/report"
)

// Explain implements [report.Explainer].
func (s *Store) Explain(err error) report.Why { return explain(err) }

// explain says what an error means. The server's own word is asked first, as a connection that
// it refuses is an error of the connection, too.
func explain(err error) report.Why {
	switch {
	case err == nil:
		return report.Unexplained
	case errors.Is(err, ErrNewer):
		return report.Newer
	case errors.Is(err, ErrClosed):
		return report.Closed
	}
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return ofState(said.Code)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return report.Away // also if it took too long
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return report.Busy
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, pgconn.ErrConnClosed) {
		return report.Away
	}
	return report.Unexplained
}

// states are SQLSTATEs, and classes of them, which are their first two characters
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
var states = map[string]report.Why{
	"08":    report.Away,     // connection exceptions
	"57P01": report.Away,     // the server ends
	"57P02": report.Away,     // it has crashed
	"57P03": report.Away,     // it begins
	"57P05": report.Away,     // the connection was idle for too long
	"28":    report.Login,    // invalid authorization
	"3D000": report.Missing,  // there is no such database
	"57P04": report.Missing,  // it was dropped
	"3F000": report.Missing,  // there is no such schema
	"42501": report.Denied,   // no permission
	"53100": report.Full,     // the disk is full
	"53200": report.Crowded,  // out of memory
	"53300": report.Crowded,  // too many connections
	"53400": report.Crowded,  // a limit of the configuration
	"25006": report.ReadOnly, // also on a standby
	"42P01": report.Older,    // there is no such table
	"42703": report.Older,    // there is no such column
	"42P10": report.Older,    // the table has another key
	"57014": report.Busy,     // it took too long
	"55P03": report.Busy,     // a lock was not free
	"55006": report.Busy,     // it is in use
	"25P03": report.Busy,     // a transaction was idle for too long
	"25P04": report.Busy,     // a transaction took too long
	"40":    report.Busy,     // two changes at once
	"58":    report.Damaged,  // an error of the disk, or a file is not there
	"XX001": report.Damaged,  // data are damaged
	"XX002": report.Damaged,  // an index is
}

func ofState(state string) report.Why {
	if why, ok := states[state]; ok {
		return why
	}
	return states[state[:min(2, len(state))]]
}

// advice is what whoever starts a site can do, before the words of the server.
var advice = map[report.Why]string{
	report.Away:     "the database does not answer, so is its address right, and does it run? ",
	report.Login:    "the database does not let this user in, so check the user and the password in the address, and pg_hba.conf: ",
	report.Missing:  "there is no such database, or no schema in the search path that this user may use, so make it, grant USAGE, or correct the address: ",
	report.Denied:   "this user may not make the tables or use them, so GRANT CREATE, USAGE ON SCHEMA to it, or make them with another user once: ",
	report.Full:     "the disk of the database is full: ",
	report.Crowded:  "the database has too many connections already, so raise max_connections or the limit of the user: ",
	report.ReadOnly: "the database takes no changes, so give the address of the primary, or add target_session_attrs=read-write: ",
	report.Older:    "the tables are not those of a report: ",
	report.Busy:     "somebody else uses the tables, or it took too long: ",
	report.Damaged:  "the database is damaged: ",
}
