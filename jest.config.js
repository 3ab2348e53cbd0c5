// Tests run as native ES modules; esbuild strips the types. Whole-system suites mostly wait, so four of them share two cores.
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/tests'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tests/esbuild-transform.js' },
  testSequencer: '<rootDir>/tests/sequencer.js',
  globalSetup: '<rootDir>/tests/setup.js',
  testTimeout: 30_000,
  maxWorkers: 4,
};
