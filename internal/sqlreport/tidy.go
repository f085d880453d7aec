package sqlreport

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/report"
)

// CloseDays implements [report.Store]. Each day is a change of its own. In the end the texts
// go that no day has any more: they are those that may name somebody.
func (t *Tables) CloseDays(ctx context.Context, site string, through report.Day, least uint64) error {
	folded := false
	for {
		var day report.Day
		err := t.query(ctx, t.Read, func(rows *sql.Rows) error { return rows.Scan(&day) },
			`SELECT COALESCE(MIN(day), 0) FROM day_total JOIN text ON text.id = day_total.site JOIN site ON site.site = day_total.site
			WHERE value = ? AND day > closed AND day <= ?`, site, int64(through))
		if err != nil {
			return err
		}
		last := day == 0
		if last {
			day = through // to know that there is nothing before
		}
		some, err := t.closeDay(ctx, site, day, least)
		if folded = folded || some; err != nil {
			return err
		}
		if last {
			break
		}
	}
	if !folded {
		return nil
	}
	return t.change(ctx, (*transaction).deleteTexts)
}

// closeDay folds a day, unless that was done. It reports whether there was something to fold.
func (t *Tables) closeDay(ctx context.Context, site string, day report.Day, least uint64) (folded bool, err error) {
	err = t.change(ctx, func(tx *transaction) error {
		if tx.exec(`UPDATE site SET closed = ? WHERE site = ? AND closed < ?`, int64(day), tx.id(site), int64(day)) == 0 {
			return tx.err
		}
		before, err := tx.partsOf(site, day)
		if err != nil {
			return err
		}
		gone, added := report.FoldParts(before, least)
		for _, k := range gone {
			tx.remove(parts, tx.part(k, report.Amount{}))
		}
		var rows []row
		for k, a := range added {
			rows = append(rows, tx.part(k, a))
		}
		if err := tx.add(parts, rows); err != nil {
			return err
		}
		folded = len(gone) > 0
		return tx.foldCells(site, day, least)
	})
	return folded, err
}

// foldCells makes the combinations of a day coarser.
func (tx *transaction) foldCells(site string, day report.Day, least uint64) error {
	before, err := tx.cellsOf(site, day)
	if err != nil {
		return err
	}
	var rows []row
	after := report.FoldCells(before, least)
	for k, a := range before {
		if after[k] != a {
			tx.remove(cells, tx.cell(k, report.Amount{}))
		}
	}
	for k, a := range after {
		if before[k] != a {
			rows = append(rows, tx.cell(k, a))
		}
	}
	return tx.add(cells, rows)
}

// remove deletes a row by its keys.
func (tx *transaction) remove(from table, r row) {
	args := make([]any, len(from.keys))
	for i := range args {
		args[i] = r.keys[i]
	}
	tx.exec("DELETE FROM "+from.name+" WHERE "+strings.Join(from.keys, " = ? AND ")+" = ?", args...)
}

// partsOf reads the parts of a day.
func (tx *transaction) partsOf(site string, day report.Day) (map[report.PartKey]report.Amount, error) {
	found := map[report.PartKey]report.Amount{}
	err := tx.query(tx.ctx, tx.tx, func(rows *sql.Rows) error {
		k := report.PartKey{Site: site, Day: day}
		var a report.Amount
		err := rows.Scan(&k.Dimension, &k.Goal, &k.Text, &k.Currency, &a.N, &a.Minor)
		found[k] = a
		return err
	}, `SELECT dimension, goals.value, texts.value, currencies.value, n, minor FROM part
		JOIN text goals ON goals.id = goal JOIN text texts ON texts.id = part.text JOIN text currencies ON currencies.id = currency
		WHERE site = ? AND dimension IN (`+allDimensions+`) AND goal IN (SELECT DISTINCT goal FROM day_total WHERE site = ? AND day = ?) AND day = ?`,
		tx.id(site), tx.id(site), int64(day), int64(day))
	return found, err
}

// allDimensions lets a database go through the key of the parts.
const allDimensions = "1, 2, 3, 4, 5, 6, 7, 8"

// cellsOf reads the cells of a day.
func (tx *transaction) cellsOf(site string, day report.Day) (map[report.CellKey]report.Amount, error) {
	found := map[report.CellKey]report.Amount{}
	err := tx.query(tx.ctx, tx.tx, func(rows *sql.Rows) error {
		k := report.CellKey{Site: site, Day: day}
		var a report.Amount
		err := rows.Scan(&k.Goal, &k.Texts[0], &k.Texts[1], &k.Texts[2], &k.Texts[3], &k.Texts[4], &k.Currency, &a.N, &a.Minor)
		found[k] = a
		return err
	}, `SELECT goals.value, pages.value, sources.value, campaigns.value, languages.value, devices.value, currencies.value, n, minor FROM cell
		JOIN text goals ON goals.id = goal JOIN text pages ON pages.id = page JOIN text sources ON sources.id = source
		JOIN text campaigns ON campaigns.id = campaign JOIN text languages ON languages.id = language
		JOIN text devices ON devices.id = device JOIN text currencies ON currencies.id = currency
		WHERE site = ? AND goal IN (SELECT DISTINCT goal FROM day_total WHERE site = ? AND day = ?) AND day = ?`,
		tx.id(site), tx.id(site), int64(day), int64(day))
	return found, err
}

// Expire implements [report.Store].
func (t *Tables) Expire(ctx context.Context, before report.Day) error {
	return t.change(ctx, func(tx *transaction) error {
		tx.exec(`DELETE FROM writer WHERE at < ?`, time.Now().AddDate(0, -2, 0).Unix())
		return tx.expire(before)
	})
}

func (tx *transaction) expire(before report.Day) error {
	deleted := int64(0)
	for _, name := range []string{"hour_total", "part", "cell", "sketch"} {
		deleted += tx.exec("DELETE FROM "+name+" WHERE day < ?", int64(before))
	}
	if deleted == 0 {
		return tx.err
	}
	return tx.deleteTexts()
}

// Drop implements [report.Store].
func (t *Tables) Drop(ctx context.Context, before report.Day) error {
	return t.change(ctx, func(tx *transaction) error {
		for _, name := range []string{"day_total", "lost", "cost", "filled"} {
			tx.exec("DELETE FROM "+name+" WHERE day < ?", int64(before))
		}
		tx.exec("DELETE FROM mark WHERE at < ?", before.Begin(nil).UnixNano())
		tx.exec("DELETE FROM rules WHERE at < ? AND at < (SELECT MAX(at) FROM rules)", before.Begin(nil).UnixNano())
		return tx.expire(before)
	})
}

// DropWriter implements [report.Store].
func (t *Tables) DropWriter(ctx context.Context, writer string) (days int, err error) {
	err = t.change(ctx, func(tx *transaction) error {
		for _, name := range []string{"day_total", "hour_total", "part", "cell", "sketch"} {
			tx.exec("DELETE FROM "+name+" WHERE EXISTS (SELECT 1 FROM filled WHERE filled.writer = ? AND filled.site = "+name+".site AND filled.day = "+name+".day)", writer)
		}
		tx.exec(`DELETE FROM mark WHERE kind = ? AND words = ?`, report.MarkFilled, writer)
		days = int(tx.exec(`DELETE FROM filled WHERE writer = ?`, writer))
		if days == 0 {
			return tx.err
		}
		return tx.deleteTexts()
	})
	return days, err
}

// usedTexts are the columns that have numbers of texts.
var usedTexts = map[string][]string{
	"day_total": {"site", "goal", "reason", "currency"}, "hour_total": {"site", "goal", "reason", "currency"},
	"part": {"site", "goal", "text", "currency"}, "cell": {"site", "goal", "page", "source", "campaign", "language", "device", "currency"},
	"sketch": {"site", "goal"}, "mark": {"site"}, "site": {"site"}, "cost": {"site", "what"}, "filled": {"site"},
}

// deleteTexts deletes the texts that no row has any more, since a visitor may have written
// them. A number never comes again.
func (tx *transaction) deleteTexts() error {
	var used []string
	for _, name := range slices.Sorted(maps.Keys(usedTexts)) {
		for _, column := range usedTexts[name] {
			used = append(used, "SELECT "+column+" FROM "+name)
		}
	}
	if tx.exec("DELETE FROM text WHERE id > 0 AND id NOT IN ("+strings.Join(used, " UNION ")+")") > 0 {
		tx.exec("UPDATE epoch SET n = n + 1") // see catchUp
	}
	tx.texts.forget()
	return tx.err
}
