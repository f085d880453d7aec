package accesslog

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

const (
	benchLine    = `203.0.113.9 - - [09/Nov/2025:06:25:31 +0000] "GET /products/blue-chair?utm_source=news&utm_medium=email HTTP/2.0" 200 18233 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"` + "\n"
	benchJSON    = `{"ts":1762673131.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"203.0.113.9","proto":"HTTP/2.0","method":"GET","host":"shop.example","uri":"/products/blue-chair?utm_source=news","headers":{"User-Agent":["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"],"Referer":["https://www.example.com/"]}},"duration":0.000929675,"size":10900,"status":200,"resp_headers":{"Content-Type":["text/html"]}}` + "\n"
	benchColumns = "#Fields: date time cs-method cs-uri-stem cs-uri-query cs(User-Agent) sc-status\n"
	benchW3C     = "2026-11-27 00:00:01 GET /a b=1 Mozilla/5.0+(X11) 200\n"

	benchLines = 5000
)

// BenchmarkReadLog is to be compared with BenchmarkSplitLog.
func BenchmarkReadLog(b *testing.B) {
	for _, kind := range []struct{ name, line string }{{"combined", benchLine}, {"JSON", benchJSON}} {
		b.Run(kind.name, func(b *testing.B) {
			text := strings.Repeat(kind.line, benchLines)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				a, err := Read(b.Context(), strings.NewReader(text), func(*Line) {})
				if a.Lines != benchLines || a.Unreadable > 0 || err != nil {
					b.Fatal(a, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchLines), "ns/line")
		})
	}
}

// BenchmarkHostileJSON is a line of as many values below as long a name as there is room for.
func BenchmarkHostileJSON(b *testing.B) {
	line := []byte(strings.Repeat(`{"n":`, 30) + `{"` + strings.Repeat("n", maxLine/2) + `":{` + strings.Repeat(`"m":1,`, maxLine/16) + `"m":1}}` + strings.Repeat("}", 30))
	var s jsonScanner
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if !s.scan(line) {
			b.Fatal("no JSON")
		}
	}
}

// BenchmarkSplitLog only takes the lines of a log apart at their spaces.
func BenchmarkSplitLog(b *testing.B) {
	text := strings.Repeat(benchLine, benchLines)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		words := 0
		for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
			words += len(bytes.Split(lines.Bytes(), []byte(" ")))
		}
		if words < benchLines {
			b.Fatal(words)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchLines), "ns/line")
}
