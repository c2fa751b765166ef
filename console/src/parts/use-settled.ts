import { useEffect, useState } from 'react';

/** A search is made when somebody has stopped writing it. */
const SETTLE_MS = 300;

/** A value once it has not changed for a moment. It is the same as long as it is equal. */
export function useSettled<Value>(value: Value): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
