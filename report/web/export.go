package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/goaltrack/goaltrack/internal/sheet"
	"github.com/goaltrack/goaltrack/report"
)

// What the pages show can be had as JSON, as CSV and for Excel, by the same questions. So the
// numbers cannot differ.

// exportLinks lead to what a page shows, for other programs.
type exportLinks struct{ Excel, CSV, JSON string }

func (a *asked) exports(by report.By, goal string) exportLinks {
	return a.exportsOf("/goals", "by", string(by), "goal", goal, "period", "", "from", a.From.String(), "to", a.To.String())
}

// exportsOf are the links to a table. change is as for link.
func (a *asked) exportsOf(path string, change ...string) exportLinks {
	return exportLinks{a.link(path+".xlsx", change...), a.link(path+".csv", change...), a.link(path+".json", change...)}
}

// exports makes a handler that writes the answer to a query. Package report says what a query
// can say; its names are those of the address.
func (p *pages) exports(write func(http.ResponseWriter, *report.Result, report.By) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		result, by, err := p.export(r)
		if err != nil {
			p.writeFault(w, r, err)
			return
		}
		_ = write(w, result, by) // the reader has gone
	}
}

// writeFault says to a program what is wrong.
func (p *pages) writeFault(w http.ResponseWriter, r *http.Request, err error) {
	status, text := p.fault(r, err)
	said := map[string]any{"error": text}
	if other, ok := errors.AsType[*noSuchSite](err); ok {
		said["sites"] = other.sites
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(said) // the reader has gone
}

func (p *pages) export(r *http.Request) (result *report.Result, by report.By, err error) {
	a, err := p.ask(r, "by", "goal")
	if err != nil {
		return nil, "", err
	}
	if by, err = report.ParseBy(r.URL.Query().Get("by")); err != nil {
		return nil, "", wrongQuery{err}
	}
	switch {
	case len(a.where) == 0:
	case by == report.ByHour:
		return nil, "", wrongQuery{errors.New("by=hour cannot be limited to a page, a source and so on: those are kept by day")}
	case by == report.ByVariant:
		return nil, "", wrongQuery{errors.New("by=variant cannot be limited to a page, a source and so on: variants are kept apart from those")}
	}
	goal := report.NameNow(a.info.Rules, r.URL.Query().Get("goal"))
	if goal != "" {
		if err := a.hasGoal(goal); err != nil {
			return nil, "", err
		}
	}
	result, err = report.Ask(a.ctx, p.Store, a.query(by, goal))
	return result, by, err
}

func asJSON(w http.ResponseWriter, result *report.Result, _ report.By) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(result)
}

func asCSV(w http.ResponseWriter, result *report.Result, by report.By) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="goals.csv"`)
	return result.WriteCSV(w, by)
}

// asSheet writes a workbook. A sum is a number in it, and a text is a text whatever it begins
// with, so unlike CSV it needs no apostrophes.
func asSheet(w http.ResponseWriter, result *report.Result, by report.By) error {
	currencies := result.Currencies()
	head := []any{string(by), "conversions", "visits"}
	for _, currency := range currencies {
		head = append(head, "value_"+cmp.Or(currency, "points"))
	}
	rows := [][]any{head}
	for _, row := range result.Rows {
		line := []any{row.Key, row.Conversions, row.Visits}
		for _, currency := range currencies {
			var sum any
			for _, v := range row.Values {
				if v.Currency == currency {
					sum = v.Sum
				}
			}
			line = append(line, sum)
		}
		rows = append(rows, line)
	}
	return writeSheet(w, "goals.xlsx", rows)
}

// writeSheet writes rows as a file to be kept.
func writeSheet(w http.ResponseWriter, name string, rows [][]any) error {
	if len(rows) > sheet.MostRows {
		http.Error(w, say("fault.rows"), http.StatusBadRequest)
		return nil
	}
	w.Header().Set("Content-Type", sheet.ContentType)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	return sheet.Write(w, rows)
}
