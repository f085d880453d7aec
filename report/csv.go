package report

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// WriteCSV writes the rows as a table for a spreadsheet. It has a line for each row, and
// a column for each currency. by is what the query asked for, and heads the first column.
func (r *Result) WriteCSV(to io.Writer, by By) error {
	out := csv.NewWriter(to)
	currencies := r.Currencies()
	head := []string{string(by), "conversions", "visits"}
	for _, currency := range currencies {
		if currency == "" {
			currency = "points"
		}
		head = append(head, Cell("value_"+currency))
	}
	_ = out.Write(head) // Error says it
	for _, row := range r.Rows {
		line := []string{Cell(row.Key), strconv.FormatUint(row.Conversions, 10), strconv.FormatUint(row.Visits, 10)}
		for _, currency := range currencies {
			line = append(line, row.Worth(currency))
		}
		_ = out.Write(line)
	}
	out.Flush()
	return out.Error()
}

// Currencies are those of all rows, in order.
func (r *Result) Currencies() (list []string) {
	for _, row := range r.Rows {
		for _, v := range row.Values {
			list = append(list, v.Currency)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Worth is what the conversions are worth in a currency, as text. It is "" if nothing is
// known.
func (r Row) Worth(currency string) string {
	for _, v := range r.Values {
		if v.Currency == currency {
			return strconv.FormatFloat(v.Sum, 'f', -1, 64)
		}
	}
	return ""
}

// WriteMonthsCSV writes months as a table: a line for each site of each month.
func WriteMonthsCSV(to io.Writer, months []Month) error {
	out := csv.NewWriter(to)
	_ = out.Write([]string{"month", "site", "ids_made", "ids_given", "events_sent", "events_sent_again"}) // Error says it
	for i := range months {
		for _, s := range months[i].Sites {
			line := []string{months[i].Month, Cell(s.Site)}
			for _, n := range [...]uint64{s.IDsMade, s.IDsGiven, s.EventsSent, s.EventsAgain} {
				line = append(line, strconv.FormatUint(n, 10))
			}
			_ = out.Write(line)
		}
	}
	out.Flush()
	return out.Error()
}

// Cell is a text for a table, such as one that a visitor wrote. It keeps a spreadsheet
// from taking it for a formula (https://owasp.org/www-community/attacks/CSV_Injection): an
// apostrophe stands before each sign that could begin one. Where a comma is the decimal sign,
// a spreadsheet begins a cell after a semicolon as well; some do after a tab or a new line.
func Cell(text string) string {
	if !strings.ContainsAny(text, formulaSigns) {
		return text
	}
	var b strings.Builder
	begins := true // a cell, perhaps behind blanks
	for _, c := range text {
		switch {
		case strings.ContainsRune(cellEnds, c):
			if begins && b.Len() == 0 && c != ';' {
				b.WriteByte('\'')
			}
			begins = true
		case begins && strings.ContainsRune(formulaSigns, c):
			b.WriteByte('\'')
			begins = false
		case !unicode.IsSpace(c):
			begins = false
		}
		b.WriteRune(c)
	}
	return b.String()
}

// formulaSigns begin a formula, also as wide as an input method for Japanese writes them, or
// are blanks at which a cell may end. cellEnds are where another cell may begin.
const (
	formulaSigns = "=+-@＝＋－＠\t\r\n"
	cellEnds     = ";\t\r\n"
)
