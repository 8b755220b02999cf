// `?`: what keys do.
import { Modal } from '@mantine/core'
import { Keys } from './Keys'

const Help = ({ onClose }: { onClose: () => void }) => (
  <Modal opened onClose={onClose} title="Keys, from anywhere but a text">
    <Keys />
  </Modal>
)

export default Help
