import type { Keeper } from '#base/keeper.ts';

/**
 * The thing of this name as it was made of a version, or made anew of another one. Only one version is kept: what is compiled of a
 * document is large, and documents may change often.
 */
export function keepCurrent<Thing>(keeper: Keeper, name: string, version: string, make: () => Thing): Thing {
  const held = keeper.keep<{ current: { readonly version: string; readonly thing: Thing } | undefined }>(name, () => ({
    current: undefined,
  }));
  if (held.current?.version === version) return held.current.thing;
  const thing = make();
  held.current = { version, thing };
  return thing;
}
