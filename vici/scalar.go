// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// setScalar stores the text of a key or list item.
func setScalar(target reflect.Value, text string, hex bool) error {
	switch v := target.Addr().Interface().(type) {
	case *time.Duration:
		return setSeconds(v, text)
	case encoding.TextUnmarshaler:
		return v.UnmarshalText([]byte(text))
	}
	if isBytes(target.Type()) {
		target.SetBytes([]byte(text))
		return nil
	}
	return setBasic(target, text, hex)
}

func setBasic(target reflect.Value, text string, hex bool) error {
	base := 10
	if hex {
		base = 16
	}
	switch target.Kind() {
	case reflect.String:
		target.SetString(text)
	case reflect.Bool:
		b, err := parseBool(text)
		if err != nil {
			return err
		}
		target.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, base, target.Type().Bits())
		if err != nil {
			return numberError(err)
		}
		target.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, base, target.Type().Bits())
		if err != nil {
			return numberError(err)
		}
		target.SetUint(n)
	default:
		return fmt.Errorf("a value does not fit %s", target.Type())
	}
	return nil
}

// parseBool understands what the daemon itself understands.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "yes", "true", "enabled", "1":
		return true, nil
	case "no", "false", "disabled", "0":
		return false, nil
	}
	return false, errors.New("neither yes nor no")
}

func setSeconds(target *time.Duration, text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return numberError(err)
	}
	if n > int64(maxSeconds) || n < -int64(maxSeconds) {
		return numberError(strconv.ErrRange)
	}
	*target = time.Duration(n) * time.Second
	return nil
}

// numberError takes the text, which a FieldError shows anyway, out of strconv's error.
func numberError(err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("number %w", strconv.ErrRange)
	}
	return fmt.Errorf("not a number: %w", strconv.ErrSyntax)
}

// textOf returns the text of a value that can be addressed.
func textOf(v reflect.Value, f *field) (string, error) {
	switch x := v.Addr().Interface().(type) {
	case *time.Duration:
		if *x%time.Second != 0 {
			return "", fmt.Errorf("%v is not a whole number of seconds", *x)
		}
		return strconv.FormatInt(int64(*x/time.Second), 10), nil
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		return string(text), err
	}
	if isBytes(v.Type()) {
		return string(v.Bytes()), nil
	}
	return basicText(v, f)
}

func basicText(v reflect.Value, f *field) (string, error) {
	base := 10
	if f.hex {
		base = 16
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		if v.Bool() {
			return "yes", nil
		}
		return "no", nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), base), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		text := strconv.FormatUint(v.Uint(), base)
		return strings.Repeat("0", max(0, f.hexSize-len(text))) + text, nil
	default:
		return "", fmt.Errorf("%s cannot be sent as a value", v.Type())
	}
}
