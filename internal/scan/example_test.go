package scan_test

import (
	"fmt"
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
)

func Example() {
	fields := scan.Form("application/x-www-form-urlencoded", []byte("email=ada%40example.com&password=secret"), []string{"email", "topic"})
	fmt.Println(fields.Get("email"))
	fmt.Println(fields.Get("topic"))
	fmt.Println(fields.Get("password")) // nobody wanted it

	var answer scan.Answer
	tee := answer.Expect(http.StatusOK, http.Header{"Content-Type": {"application/json"}})
	scan.Keep(tee, `{"order": `)
	scan.Keep(tee, `{"id": 7}}`)
	answer.End()
	fmt.Println(answer.Look() == scan.AnswerRead, answer.Member("order.id"))
	// Output:
	// ada@example.com true
	//  false
	//  false
	// true 7
}
