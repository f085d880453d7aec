package accesslog

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestOddJSON has objects that no server above writes.
func TestOddJSON(t *testing.T) {
	const said = "GET /x 200 -1"
	nested := func(depth int) string {
		return `{"deep":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `,"method":"GET","path":"/x","status":200}`
	}
	for _, test := range []struct{ name, line, want string }{
		{"white space", "{ \"method\" :\t\"GET\" , \"path\":\"/x\",\"status\" : 200 } ", said},
		{"all kinds of values", `{"a":[1,-0.5e+3,true,false,null,{},[]],"method":"GET","path":"/x","status":200}`, said},
		{"the better name first", `{"request_uri":"/x","uri":"/y","method":"GET","status":200}`, said},
		{"the better name last", `{"uri":"/y","request_uri":"/x","method":"GET","status":200}`, said},
		{"a better name without a value", `{"request_uri":"-","uri":"/x","method":"GET","status":200}`, said},
		{"a name twice", `{"path":"/y","path":"/x","method":"GET","status":200}`, said},
		{"an array of values", `{"path":["/x","/y"],"method":[["GET"],"PUT"],"status":[200,500]}`, said},
		{"a query that the path has", `{"path":"/x?a","query":"b","method":"GET","status":200}`, "GET /x?a 200 -1"},
		{"an escaped name", `{"\u006dethod":"GET","path":"/x","status":200}`, said},
		{"half a pair", `{"method":"GET","path":"/x","status":200,"ua":"\ud83d \ude00\u0041"}`, said + ` agent="� �A"`},
		{"a line that is none", `{"request":"hello","method":"GET","path":"/x","status":200}`, said},
		{"a size in words", `{"size":"10k","method":"GET","path":"/x","status":200}`, said},
		{"milliseconds", `{"ts":1762673131250,"method":"GET","path":"/x","status":200}`, said + " 2025-11-09T07:25:31.25Z"},
		{"a time that is none", `{"ts":"1e999","method":"GET","path":"/x","status":200}`, said},
		{"a time before all logs", `{"ts":-5,"method":"GET","path":"/x","status":200}`, said},
		{"deep", nested(maxDepth), said},

		{"inside another object", `{"a":{"b":{"method":"GET","path":"/x","status":200}}}`, said},
		{"parts of one inside another", `{"a":{"req":{"method":"GET","url":"/x"},"res":{"statusCode":200}}}`, said},
		{"of Google Cloud", `{"httpRequest":{"requestMethod":"GET","requestUrl":"https://shop.example/x","status":200}}`, said + ` host="shop.example"`},
		{"of Istio", `{"method":"GET","path":"/x","response_code":200,"authority":"shop.example:443"}`, said + ` host="shop.example"`},
		{"of two objects inside another", `{"http":{"request":{"method":"GET","uri":"/x"},"response":{"status":200}}}`, said},
		{"of pino in Google Cloud", `{"jsonPayload":{"req":{"method":"GET","url":"/x","headers":{"user-agent":"a/1"}},"res":{"statusCode":200,"headers":{"content-type":"text/html"}}},"timestamp":"2025-11-09T07:25:31Z"}`, said + ` 2025-11-09T07:25:31Z agent="a/1" type="text/html"`},
		{"a host between others", `{"kubernetes":{"host":"node-1"},"app":{"method":"GET","path":"/x","status":200,"host":"shop.example"},"zone":{"host":"eu"}}`, said + ` host="shop.example"`},
		{"a host around", `{"region":{"host":"shop.example","app":{"method":"GET","path":"/x","status":200}}}`, said + ` host="shop.example"`},
		{"a method of something else", `{"method":"notify","event":{"method":"GET","path":"/x","status":200}}`, said},
		{"the method alone for a request", `{"request":"GET","url":"/x","response_status":200}`, said},
		{"a day and a time", `{"date":"2025-11-09","time":"07:25:31","cs-method":"GET","cs-uri-stem":"/x","sc-status":"200"}`, said + " 2025-11-09T07:25:31Z"},
		{"nanoseconds", `{"EdgeStartTimestamp":1762673131000000000,"ClientRequestMethod":"GET","ClientRequestPath":"/x","EdgeResponseStatus":200}`, said + " 2025-11-09T07:25:31Z"},
		{"an agent with %20", `{"UA":"Mozilla/5.0%20(X11;%20Linux)","reqMethod":"GET","reqPath":"/x","statusCode":"200"}`, said + ` agent="Mozilla/5.0 (X11; Linux)"`},
		{"an agent with plus signs", `{"userAgent":"Mozilla/5.0+(X11;+Linux)","httpMethod":"GET","requestUri":"/x","httpStatus":200}`, said + ` agent="Mozilla/5.0 (X11; Linux)"`},
		{"an agent with a plus sign", `{"ua":"C++/1 +(a)","method":"GET","path":"/x","status":200}`, said + ` agent="C++/1 +(a)"`},
		{"more hosts than anybody reads", `{"host":"shop.example","list":{` + strings.Repeat(`"a":{"host":"x"},`, 100) + `"b":1},"method":"GET","path":"/x","status":200}`, said + ` host="shop.example"`},
		{"a word for a host", `{"host":true,"method":"GET","path":"/x","status":200}`, said},

		{"a status of something else", `{"method":"GET","path":"/x","db":{"status":200}}`, ""},
		{"a path of something else", `{"a":{"method":"GET","status":200},"path":"/x"}`, ""},
		{"only in the second of an array", `{"a":[{},{"method":"GET","path":"/x","status":200}]}`, ""},
		{"too deep", nested(maxDepth + 1), ""},
		{"empty", `{}`, ""},
		{"no method", `{"path":"/x","status":200}`, ""},
		{"no path", `{"method":"GET","query":"a=b","status":200}`, ""},
		{"no status", `{"method":"GET","path":"/x"}`, ""},
		{"a status in words", `{"method":"GET","path":"/x","status":"success"}`, ""},
		{"cut", `{"method":"GET","path":"/x","status":200`, ""},
		{"cut in a string", `{"method":"GET","path":"/x","status":200,"a":"b`, ""},
		{"cut in an escape", `{"method":"GET","path":"/x","status":200,"a":"\u00`, ""},
		{"more behind it", `{"method":"GET","path":"/x","status":200} x`, ""},
		{"a comma too many", `{"method":"GET","path":"/x","status":200,}`, ""},
		{"no comma", `{"method":"GET" "path":"/x","status":200}`, ""},
		{"no colon", `{"method" "GET","path":"/x","status":200}`, ""},
		{"an array with a comma too many", `{"method":"GET","path":"/x","status":200,"a":[1,]}`, ""},
		{"an array without commas", `{"method":"GET","path":"/x","status":200,"a":[1 2]}`, ""},
		{"a name without quotes", `{method:"GET","path":"/x","status":200}`, ""},
		{"a leading zero", `{"method":"GET","path":"/x","status":200,"a":01}`, ""},
		{"no digits", `{"method":"GET","path":"/x","status":200,"a":-}`, ""},
		{"no digits behind the point", `{"method":"GET","path":"/x","status":200,"a":1.}`, ""},
		{"no digits in the exponent", `{"method":"GET","path":"/x","status":200,"a":1e+}`, ""},
		{"a word that is none", `{"method":"GET","path":"/x","status":200,"a":nil}`, ""},
		{"an escape that is none", `{"method":"GET","path":"/x","status":200,"a":"\q"}`, ""},
		{"a tab in a string", "{\"method\":\"GET\",\"path\":\"/x\",\"status\":200,\"a\":\"\t\"}", ""},
	} {
		t.Run(test.name, func(t *testing.T) { checkLine(t, test.line, test.want) })
	}
}

// checkGrammar compares what the scanner takes for JSON with encoding/json.
func checkGrammar(t *testing.T, line []byte) {
	t.Helper()
	valid := json.Valid(line)
	text := string(line) // scan writes over it
	switch ok := new(jsonScanner).scan(line); {
	case ok && !valid && !strings.Contains(text, `\x`) && !strings.Contains(text, `\v`):
		t.Errorf("%q was taken for JSON", text)
	case !ok && valid && strings.Count(text, "[")+strings.Count(text, "{") <= maxDepth:
		t.Errorf("%q was not taken for JSON", text)
	}
}

// TestJSONStrings compares the strings of the scanner with encoding/json.
func TestJSONStrings(t *testing.T) {
	for _, agent := range []string{"plain", `"\/`, "\b\f\n\r\t\x00", "é€😀", "<&>\u2028"} {
		for _, path := range []string{"/x", "/" + strings.Repeat("y", 300)} {
			line, err := json.Marshal(map[string]any{
				"method": "GET", "request_uri": path, "status": 200,
				"request": map[string]any{"headers": map[string]any{"User-Agent": []string{agent}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			var p logParser
			if !p.parse(line) || string(p.line.UserAgent) != agent || string(p.line.Target) != path {
				t.Errorf("%q: read %v", agent, &p.line)
			}
		}
	}
}
