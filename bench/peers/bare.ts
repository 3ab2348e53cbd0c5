// The bare runtime with the AWS client loaded and used: what a function weighs before it does anything.
import { job } from './job.ts';

export const handler = job(() => ({ place: () => Promise.resolve() }));
