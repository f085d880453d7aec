package sqlreport

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/report"
)

// Tables are the counts of a report in a database that is open and has the newest schema.
// It implements [report.Store] but for Close.
type Tables struct {
	Dialect
	Write *sql.DB // for what changes
	Read  *sql.DB // for what is asked

	texts dictionary
}

// Flush implements [report.Store].
func (t *Tables) Flush(ctx context.Context, b *report.Batch) error {
	return t.change(ctx, func(tx *transaction) error {
		if is, err := tx.isNew(b); err != nil || !is {
			return err
		}
		if err := tx.take(b); err != nil {
			return err
		}
		if err := tx.addCounts(b); err != nil {
			return err
		}
		for _, s := range b.Sketches {
			site, goal := tx.id(s.Site), tx.id(s.Goal)
			tx.exec(`INSERT INTO sketch (site, day, goal, secret, data) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (site, day, goal, secret) DO UPDATE SET data = excluded.data`, site, int64(s.Day), goal, s.Key, s.Data)
		}
		return tx.addOthers(b)
	})
}

// addOthers adds what is no count.
func (tx *transaction) addOthers(b *report.Batch) error {
	at := int64(0)
	for _, m := range b.Marks {
		if m.Kind == report.MarkRules {
			at = m.Time.UnixNano()
		}
		tx.exec(`INSERT INTO mark (at, site, kind, words) VALUES (?, ?, ?, ?)`, m.Time.UnixNano(), tx.id(m.Site), m.Kind, m.Text)
	}
	for day, n := range b.Lost {
		tx.exec(`INSERT INTO lost (day, n) VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET n = lost.n + excluded.n`, int64(day), int64(n)) //nolint:gosec // There are fewer.
	}
	for site, zone := range b.Zones {
		tx.exec(`INSERT INTO site (site, zone, closed) VALUES (?, ?, 0) ON CONFLICT (site) DO UPDATE SET zone = excluded.zone`, tx.id(site), zone)
	}
	for k, n := range b.Costs {
		tx.exec(`INSERT INTO cost (site, day, what, n) VALUES (?, ?, ?, ?) ON CONFLICT (site, day, what) DO UPDATE SET n = cost.n + excluded.n`,
			tx.id(k.Site), int64(k.Day), tx.id(k.What), int64(n)) //nolint:gosec // There are fewer.
	}
	if b.Rules != nil {
		goals, err := json.Marshal(b.Rules.Goals)
		if err != nil {
			return err
		}
		tx.exec(`INSERT INTO rules (at, hash, goals) VALUES (?, ?, ?)`, at, b.Rules.Hash, string(goals))
	}
	return tx.err
}

// take notes the days that the batch fills in, if they have no counts.
func (tx *transaction) take(b *report.Batch) error {
	for _, d := range b.Filled {
		site, there := tx.id(d.Site), false
		err := tx.query(tx.ctx, tx.tx, func(rows *sql.Rows) error { there = true; return rows.Err() },
			`SELECT 1 FROM day_total WHERE site = ? AND day = ? LIMIT 1`, site, int64(d.Day))
		if err != nil {
			return err
		}
		if there {
			return report.ErrDayTaken
		}
		tx.exec(`INSERT INTO filled (site, day, writer) VALUES (?, ?, ?) ON CONFLICT (site, day) DO UPDATE SET writer = excluded.writer`, site, int64(d.Day), d.Writer)
	}
	return tx.err
}

// isNew notes that the batch is added, and reports whether it was not yet.
func (tx *transaction) isNew(b *report.Batch) (bool, error) {
	if b.Writer == "" {
		return true, nil
	}
	now := time.Now().Unix()
	tx.exec(`INSERT INTO writer (id, seq, at) VALUES (?, 0, ?) ON CONFLICT (id) DO NOTHING`, b.Writer, now)
	n := tx.exec(`UPDATE writer SET seq = ?, at = ? WHERE id = ? AND seq < ?`, int64(b.Seq), now, b.Writer, int64(b.Seq)) //nolint:gosec // There are fewer.
	return n > 0, tx.err
}

// row is a row of a table of counts: its keys, and what it adds.
type row struct {
	keys     [9]int64
	n, minor int64
}

// addCounts adds the counts of a batch.
func (tx *transaction) addCounts(b *report.Batch) error {
	var days, hours, ofParts, ofCells []row
	for k, a := range b.Totals {
		site, goal, reason, currency := tx.id(k.Site), tx.id(k.Goal), tx.id(k.Reason), tx.id(k.Currency)
		if k.Hour == 0 {
			days = append(days, rowOf(a, site, int64(k.Day), goal, reason, currency))
		} else {
			hours = append(hours, rowOf(a, site, int64(k.Day), k.Hour, goal, reason, currency))
		}
	}
	for k, a := range b.Parts {
		ofParts = append(ofParts, tx.part(k, a))
	}
	for k, a := range b.Cells {
		ofCells = append(ofCells, tx.cell(k, a))
	}
	return errors.Join(tx.add(dayTotals, days), tx.add(hourTotals, hours), tx.add(parts, ofParts), tx.add(cells, ofCells))
}

func rowOf(a report.Amount, keys ...int64) (r row) {
	copy(r.keys[:], keys)
	r.n, r.minor = int64(a.N), a.Minor //nolint:gosec // There are fewer.
	return r
}

func (tx *transaction) part(k report.PartKey, a report.Amount) row {
	return rowOf(a, tx.id(k.Site), int64(k.Dimension), tx.id(k.Goal), int64(k.Day), tx.id(k.Text), tx.id(k.Currency))
}

func (tx *transaction) cell(k report.CellKey, a report.Amount) row {
	r := rowOf(a, tx.id(k.Site), tx.id(k.Goal), int64(k.Day))
	for i, text := range k.Texts {
		r.keys[3+i] = tx.id(text)
	}
	r.keys[8] = tx.id(k.Currency)
	return r
}

// chunks are how many rows one statement adds: many at once cost less for each.
var chunks = [...]int{64, 8, 1}

// add adds rows to a table, in the order of its keys. Rows of which others write some at
// the same time are then locked in the same order.
func (tx *transaction) add(to table, rows []row) error {
	slices.SortFunc(rows, func(a, b row) int {
		for i := range a.keys {
			if a.keys[i] != b.keys[i] {
				return cmp.Compare(a.keys[i], b.keys[i])
			}
		}
		return 0
	})
	args := make([]any, 0, chunks[0]*(len(to.keys)+2))
	for _, size := range chunks {
		statement := to.upsert(size)
		for ; len(rows) >= size && tx.err == nil; rows = rows[size:] {
			args = args[:0]
			for i := range size {
				for _, key := range rows[i].keys[:len(to.keys)] {
					args = append(args, key)
				}
				args = append(args, rows[i].n, rows[i].minor)
			}
			tx.exec(statement, args...)
		}
	}
	return tx.err
}
