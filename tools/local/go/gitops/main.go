// usage: gitops < REQUESTS
// Judges objects as Flux and Argo CD do. Reads one request a line and writes one answer a line, both JSON.
//   {"object": {…}}                   what kstatus says of the object: {"status": "Current", "message": "…"}
//   {"object": {…}, "lua": "…"}       what the script returns, with the object as `obj`, in the interpreter of Argo CD
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type request struct {
	Object map[string]any `json:"object"`
	Lua    string         `json:"lua"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return err
		}
		answer, err := judge(asked)
		if err != nil {
			return err
		}
		fmt.Println(string(answer))
	}
	return lines.Err()
}

func judge(asked request) ([]byte, error) {
	if asked.Lua != "" {
		return execute(asked.Lua, asked.Object)
	}
	found, err := status.Compute(&unstructured.Unstructured{Object: whole(asked.Object).(map[string]any)})
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{"status": found.Status.String(), "message": found.Message})
}

// What Kubernetes decodes as integers: encoding/json knows floats alone.
func whole(value any) any {
	switch typed := value.(type) {
	case map[string]any:
		for key, below := range typed {
			typed[key] = whole(below)
		}
	case []any:
		for index, below := range typed {
			typed[index] = whole(below)
		}
	case float64:
		if typed == float64(int64(typed)) {
			return int64(typed)
		}
	}
	return value
}

// Source: Argo CD, "Resource Health": scripts have the basic, table and package libraries, and of os what tells the time.
func execute(script string, object map[string]any) ([]byte, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.OsLibName, lua.OpenOs},
	} {
		if err := state.CallByParam(
			lua.P{Fn: state.NewFunction(library.open), Protect: true}, lua.LString(library.name),
		); err != nil {
			return nil, err
		}
	}
	system := state.GetGlobal(lua.OsLibName).(*lua.LTable)
	var others []lua.LValue
	system.ForEach(func(name, _ lua.LValue) {
		if name.String() != "date" && name.String() != "time" {
			others = append(others, name)
		}
	})
	for _, name := range others {
		system.RawSet(name, lua.LNil)
	}
	state.SetGlobal("obj", luajson.DecodeValue(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	return luajson.Encode(state.Get(-1))
}
