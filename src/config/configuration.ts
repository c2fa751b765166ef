/** The types of a validated configuration. Durations are in milliseconds, sizes in bytes, and everything has its default. */
import type { z } from 'zod';
import type { createConfigurationSchema } from './configuration-schema.ts';
import type { ConfigurablePolicy } from './policies/policy-blocks.ts';

type ConfigurationSchema<Policies extends readonly ConfigurablePolicy[]> = ReturnType<typeof createConfigurationSchema<Policies>>;

export type Configuration = z.output<ConfigurationSchema<readonly []>>;
export type ListenerConfiguration = Configuration['listeners'][string];
export type ListenerTlsConfiguration = NonNullable<ListenerConfiguration['tls']>;
export type ServiceConfiguration = Configuration['services'][string];
export type { DiscoveryConfiguration } from './services/discovery-schema.ts';
export type AdminConfiguration = NonNullable<Configuration['admin']>;
export type AcmeConfiguration = NonNullable<Configuration['acme']>;
export type RouteConfiguration = Configuration['routes'][string];

/** What a user may write when these policies exist. */
export type ConfigurationInput<Policies extends readonly ConfigurablePolicy[]> = z.input<ConfigurationSchema<Policies>>;
