package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// cell is one of a sheet, as a reader finds it.
type cell struct {
	At     string `xml:"r,attr"`
	Kind   string `xml:"t,attr"`
	Number string `xml:"v"`
	Text   string `xml:"is>t"`
}

// read reads the sheet of a workbook, and whether all of its parts can be read.
func read(t *testing.T, book []byte) (cells []cell) {
	t.Helper()
	files, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var sheet struct {
			Cells []cell `xml:"sheetData>row>c"`
		}
		if err := xml.NewDecoder(in).Decode(&sheet); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		cells = append(cells, sheet.Cells...)
	}
	if len(files.File) != len(parts)+1 {
		t.Errorf("%d files", len(files.File))
	}
	return cells
}

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, [][]any{
		{"goal", "n", "value"},
		{"Größe <&\"> 日本", uint64(3), 10.5},
		{"=1+1", uint64(0), nil, -0.25},
		{" _x0041_ _x41_\n", "2026-11-29", "\x00\xff"},
	}); err != nil {
		t.Fatal(err)
	}
	text := func(at, is string) cell { return cell{At: at, Kind: "inlineStr", Text: is} }
	want := []cell{
		text("A1", "goal"), text("B1", "n"), text("C1", "value"),
		text("A2", "Größe <&\"> 日本"),
		{At: "B2", Number: "3"},
		{At: "C2", Number: "10.5"},
		text("A3", "=1+1"),
		{At: "B3", Number: "0"},
		{At: "D3", Number: "-0.25"},
		text("A4", " _x005F_x0041_ _x41_\n"), text("B4", "2026-11-29"), text("C4", "��"),
	}
	if got := read(t, b.Bytes()); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestWriteLimits: what Excel does not take is cut or refused, and no file is broken.
func TestWriteLimits(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, [][]any{{strings.Repeat("ü", 40000)}}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, b.Bytes())[0].Text; len(got) > longest || !utf8.ValidString(got) || strings.Trim(got, "ü") != "" {
		t.Errorf("%d bytes", len(got))
	}
	if err := Write(io.Discard, make([][]any, MostRows+1)); err == nil || !strings.Contains(err.Error(), "1048576") {
		t.Error(err)
	}
	if err := Write(io.Discard, [][]any{{true}}); err == nil {
		t.Error("a bool is written")
	}
	if err := Write(full{}, [][]any{{"a"}}); !errors.Is(err, errFull) {
		t.Error(err)
	}
	for n, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA", 16383: "XFD"} {
		if got := column(n); got != want {
			t.Errorf("column %d is %s, want %s", n, got, want)
		}
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
