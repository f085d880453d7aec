package goaltrack

import (
	"encoding/json"
	"testing"
	"time"
)

func TestLatencyAsJSON(t *testing.T) {
	got, err := json.Marshal(Latency{3, 1500 * time.Microsecond, time.Second, 2 * time.Second, time.Minute})
	if want := `{"requests":3,"p50":1.5,"p95":1000,"p99":2000,"max":60000}`; err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

// TestLatencyJSON: what is written in milliseconds is read as such.
func TestLatencyJSON(t *testing.T) {
	want := Latency{7, 51500 * time.Microsecond, 90*time.Millisecond + time.Microsecond, time.Second, time.Hour}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Latency
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("%s is read as %+v, want %+v (%v)", text, got, want, err)
	}
	if err := json.Unmarshal([]byte(`{"p50":"slow"}`), &got); err == nil || got != want {
		t.Errorf("nonsense is read as %+v (%v)", got, err)
	}
}
