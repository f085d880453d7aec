// Package sheet writes a table as a workbook of Excel (Office Open XML, ECMA-376). Unlike CSV,
// it says what is a number and what is a text, and in which encoding. So a table looks the same
// in each language of a spreadsheet, and no text is taken for a formula or a date.
package sheet

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// MostRows is how many rows a sheet of Excel has, and longest how many characters a cell
// (support.microsoft.com, "Excel specifications and limits").
const (
	MostRows = 1 << 20
	longest  = 32767
)

// ContentType is the media type of what [Write] writes.
const ContentType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// parts are the files of a workbook with one sheet, but for the sheet itself (ECMA-376, part 1,
// section 12, and part 2, sections 6.5 and 7).
var parts = [...]struct{ name, text string }{
	{"[Content_Types].xml", head + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`},
	{"_rels/.rels", head + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/workbook.xml", head + `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">` +
		`<sheets><sheet name="goaltrack" sheetId="1" r:id="rId1"/></sheets></workbook>`},
	{"xl/_rels/workbook.xml.rels", head + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
}

// sheetHead keeps the first row in sight.
const sheetHead = head + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` +
	`<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>`

// Write writes the rows. A cell is a string, a uint64, a float64, or nil for an empty one. It
// returns an error, and writes nothing, if there are more than [MostRows]. A text is cut where
// Excel takes no more of it.
func Write(w io.Writer, rows [][]any) error {
	if len(rows) > MostRows {
		return fmt.Errorf("sheet: %d rows are more than the %d of a sheet", len(rows), MostRows)
	}
	files := zip.NewWriter(w)
	for _, part := range parts {
		f, err := files.Create(part.name)
		if err == nil {
			_, err = io.WriteString(f, part.text)
		}
		if err != nil {
			return err
		}
	}
	f, err := files.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f) // keeps the first error for Flush
	_, _ = out.WriteString(sheetHead)
	for i, row := range rows {
		_, _ = fmt.Fprintf(out, `<row r="%d">`, i+1)
		for j, cell := range row {
			if err := writeCell(out, column(j)+strconv.Itoa(i+1), cell); err != nil {
				return err
			}
		}
		_, _ = out.WriteString("</row>")
	}
	_, _ = out.WriteString("</sheetData></worksheet>")
	if err := out.Flush(); err != nil {
		return err
	}
	return files.Close()
}

// column is the name of a column: A to Z, AA and so on.
func column(n int) (name string) {
	for n++; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

func writeCell(out *bufio.Writer, at string, cell any) error {
	number := ""
	switch cell := cell.(type) {
	case nil:
		return nil
	case uint64:
		number = strconv.FormatUint(cell, 10)
	case float64:
		number = strconv.FormatFloat(cell, 'f', -1, 64)
	case string:
		_, _ = fmt.Fprintf(out, `<c r="%s" t="inlineStr"><is><t xml:space="preserve">`, at)
		_ = xml.EscapeText(out, []byte(plain(cell))) // Flush says it
		_, _ = out.WriteString("</t></is></c>")
		return nil
	default:
		return fmt.Errorf("sheet: no cell can be a %T", cell)
	}
	_, _ = fmt.Fprintf(out, `<c r="%s"><v>%s</v></c>`, at, number)
	return nil
}

// escape is what a reader takes for one character (ECMA-376, part 1, section 22.9.2.19).
var escape = regexp.MustCompile(`_(x[0-9A-Fa-f]{4}_)`)

// plain keeps a text as it is written.
func plain(text string) string {
	if len(text) > longest { // bytes, of which there are at least as many as characters
		text = strings.ToValidUTF8(text[:longest], "")
	}
	return escape.ReplaceAllString(text, "_x005F_$1")
}
