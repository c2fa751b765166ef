import { type TestMember, testBalancer } from '#test/support/balancer-contract.ts';
import { RandomChoice } from './random-choice.ts';

testBalancer('random', ({ random }) => new RandomChoice<TestMember>(random), { tolerance: 0.06 });
