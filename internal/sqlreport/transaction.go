package sqlreport

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// transaction is a change of the database. After its first error it does nothing more.
type transaction struct {
	*Tables
	ctx context.Context //nolint:containedctx // It is that of one call, and so is the transaction.
	tx  *sql.Tx
	err error
}

// change makes a change, all of it or nothing.
func (t *Tables) change(ctx context.Context, do func(*transaction) error) error {
	t.texts.mu.Lock() // one change at a time, so that the dictionary is that of the database
	defer t.texts.mu.Unlock()
	if err := t.prepare(ctx); err != nil {
		return err
	}
	tx, err := t.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	change := &transaction{Tables: t, ctx: ctx, tx: tx}
	if t.Lock != "" {
		change.exec(t.Lock)
	}
	if change.catchUp(); change.err == nil {
		err = do(change)
	}
	if err = errors.Join(err, change.err); err == nil {
		err = tx.Commit()
	} else {
		err = errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err != nil {
		t.texts.forget() // some of the numbers may not be there
	}
	return err
}

// catchUp forgets the numbers of texts if some were deleted, perhaps by another process.
func (tx *transaction) catchUp() {
	if tx.err != nil {
		return
	}
	var epoch int64
	if tx.err = tx.tx.QueryRowContext(tx.ctx, `SELECT n FROM epoch`).Scan(&epoch); epoch != tx.texts.epoch {
		tx.texts.forget()
		tx.texts.epoch = epoch
	}
}

// ignoreDone is the error, unless the transaction has ended with its context.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// exec does a statement, and returns how many rows it changed.
func (tx *transaction) exec(query string, args ...any) int64 {
	if tx.err != nil {
		return 0
	}
	var result sql.Result
	var err error
	if statement := tx.texts.statements[query]; statement != nil {
		result, err = tx.tx.StmtContext(tx.ctx, statement).ExecContext(tx.ctx, args...)
	} else {
		result, err = tx.tx.ExecContext(tx.ctx, tx.placeholders(query), args...)
	}
	if err != nil {
		tx.err = err
		return 0
	}
	n, err := result.RowsAffected()
	tx.err = err
	return n
}

// dictionary has the statements and texts that were used last. Whoever changes the
// database holds mu.
type dictionary struct {
	mu         sync.Mutex
	statements map[string]*sql.Stmt
	ids        map[string]int64
	epoch      int64 // how often texts were deleted when ids was begun

	reading sync.RWMutex
	names   map[int64]string
}

// mostTexts is how many texts each map has.
const mostTexts = 50_000

func (d *dictionary) forget() { d.ids = nil }

// The statements about texts that every change may do.
const (
	addText  = `INSERT INTO text (value) VALUES (?) ON CONFLICT (value) DO NOTHING`
	findText = `SELECT id FROM text WHERE value = ?`
)

// prepare prepares what each flush does, once. It is done before a transaction has the
// only connection.
func (t *Tables) prepare(ctx context.Context) error {
	d := &t.texts
	if d.statements != nil {
		return nil
	}
	prepared := map[string]*sql.Stmt{}
	queries := []string{addText, findText}
	for _, to := range []table{dayTotals, hourTotals, parts, cells} {
		for _, size := range chunks {
			queries = append(queries, to.upsert(size))
		}
	}
	for _, query := range queries {
		s, err := t.Write.PrepareContext(ctx, t.placeholders(query))
		if err != nil {
			return err
		}
		prepared[query] = s
	}
	d.statements = prepared
	return nil
}

// id is the number of a text, which gets one if it has none.
func (tx *transaction) id(text string) int64 {
	if text == "" || tx.err != nil {
		return 0
	}
	d := &tx.texts
	if id, ok := d.ids[text]; ok {
		return id
	}
	tx.exec(addText, text)
	var id int64
	if tx.err == nil {
		tx.err = tx.tx.StmtContext(tx.ctx, d.statements[findText]).QueryRowContext(tx.ctx, text).Scan(&id)
	}
	if d.ids == nil || len(d.ids) >= mostTexts {
		d.ids = map[string]int64{}
	}
	d.ids[text] = id
	return id
}

// query does a query and reads each row by scan.
func (t *Tables) query(ctx context.Context, db interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, scan func(*sql.Rows) error, query string, args ...any,
) error {
	rows, err := db.QueryContext(ctx, t.placeholders(query), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
