// Images and sounds as base64, as prompts have them.
import { builder } from './builder.ts'

/** The GraphQL type `Media`. */
export const MediaRef = builder
  .objectRef<{ readonly data: string; readonly mimeType: string }>('Media')
  .implement({
    description: 'An image or a sound.',
    fields: (t) => ({
      data: t.exposeString('data', { description: 'The bytes in base64.' }),
      mimeType: t.exposeString('mimeType', { description: 'The media type, such as `image/png`.' }),
    }),
  })

/** The GraphQL input `MediaInput`. */
export const MediaInput = builder.inputType('MediaInput', {
  description: 'An image or a sound.',
  fields: (t) => ({
    data: t.string({ required: true, description: 'The bytes in base64: at most 128 KiB.' }),
    mimeType: t.string({ required: true, description: 'The media type, such as `image/png`.' }),
  }),
})
